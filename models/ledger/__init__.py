"""The ledger: the database of this service, beside Strapi's."""
