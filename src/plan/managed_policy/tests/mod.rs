//! What the plan of managed policies decides.
