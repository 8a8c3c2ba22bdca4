//! What a class refuses.
