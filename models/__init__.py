"""What is remembered: Strapi's administrators, and the service's own ledger and outbox."""
