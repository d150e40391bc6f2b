"""From outcomes to tables: the gate, rows gathered with their answers, publication, the report."""
