"""Letters to the outside by SMTP."""
