"""How a query is compared with a gallery. No torch here."""
