//! The folder of one run.

use std::{
    env,
    fs::{self, File},
    path::Path,
};

use anyhow::Result;
use tempfile::TempDir;

/// What the names of the folders begin with.
const PREFIX: &str = "lambdaroles-";

/// The file in each that its process holds a lock on.
const LOCK: &str = "control-plane.lock";

/// A temporary folder, removed when dropped; should we be killed, the next run removes it.
pub struct Folder {
    folder: TempDir,
    _lock: File,
}

impl Folder {
    pub fn create() -> Result<Self> {
        remove_abandoned();
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        // Locked before it has its name, so that nobody ever finds it unlocked while we live.
        let unnamed = folder.path().join("lock");
        let lock = File::create(&unnamed)?;
        lock.try_lock()?;
        fs::rename(unnamed, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of runs that were killed.
pub fn remove_abandoned() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            // Another run may have been faster.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
