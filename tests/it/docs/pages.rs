//! The pages, and what stands in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A page of the project.
pub struct Page {
    /// Its path within the project.
    pub path: PathBuf,
    pub text: String,
}

/// `README.md`, `CHANGELOG.md` and everything below `docs`.
pub fn all() -> Vec<Page> {
    let mut pages: Vec<Page> = ["README.md", "CHANGELOG.md"].map(Path::new).map(read).into();
    collect(Path::new("docs"), "md", &mut |path| pages.push(read(path)));
    assert!(pages.len() > 20, "the pages are somewhere else now");
    pages
}

pub fn read(path: &Path) -> Page {
    Page { path: path.to_owned(), text: fs::read_to_string(in_project(path)).unwrap() }
}

pub fn in_project(path: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file below `folder` whose name ends so.
pub fn collect(folder: &Path, extension: &str, tell: &mut impl FnMut(&Path)) {
    let mut entries: Vec<_> = fs::read_dir(in_project(folder)).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, extension, tell);
        } else if path.extension().is_some_and(|found| found == extension) {
            tell(&path);
        }
    }
}

impl Page {
    /// The blocks in one language.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(found) = line.trim_start().strip_prefix("```") else { continue };
            let indent = line.len() - line.trim_start().len();
            let block = lines.by_ref().take_while(|line| line.trim() != "```");
            // A block within a list is indented.
            let block: Vec<&str> = block.map(|line| line.get(indent..).unwrap_or_default()).collect();
            if found == language {
                blocks.push(block.join("\n") + "\n");
            }
        }
        blocks
    }

    /// What is no block of code.
    pub fn prose(&self) -> String {
        let mut is_code = false;
        let is_prose = |line: &&str| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        };
        self.text.lines().filter(is_prose).collect::<Vec<_>>().join("\n")
    }
}
