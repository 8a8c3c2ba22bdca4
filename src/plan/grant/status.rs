//! What is said of a grant.
