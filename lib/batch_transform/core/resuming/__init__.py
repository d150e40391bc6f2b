"""Going on after something has changed or was lost: pins, mending, planning anew, dead rows sent again."""
