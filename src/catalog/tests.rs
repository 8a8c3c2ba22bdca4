//! Proof that the data is what AWS documents, and that holes are filled as they are meant to be.

mod template;

use super::*;

#[test]
fn all_data_loads() {
    assert_eq!(features().len(), 8);
    assert_eq!((event_sources().len(), destinations().len()), (7, 8));
}
