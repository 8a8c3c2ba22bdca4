//! Proof that the data is what AWS documents, and that holes are filled as they are meant to be.

mod template;

use super::*;

#[test]
fn all_data_loads() {
    assert_eq!(features().len(), 8);
}
