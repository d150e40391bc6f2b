"""The emulator knows AWS's API of no session: a profile that is not there is none of its business."""

from __future__ import annotations

from transform_emulator.control_plane.request_validation import service_model


def test_a_request_is_checked_whatever_profile_is_named(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "absent")
    service_model.cache_clear()
    assert "CreateTransformJob" in service_model().operation_names
