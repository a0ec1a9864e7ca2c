"""What people see: terminal, HTML, plots."""
