//! Grants, as tables and as properties.
