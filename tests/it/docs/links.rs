//! Links within the project lead to files and headings that are there.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use super::pages::{self, Page};

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let mut count = 0;
    let mut dead = Vec::new();
    for page in pages::all() {
        for link in links(&page) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.path.clone() } else { beside(&page.path, file) };
            let is_there = pages::in_project(&target).exists()
                && (anchor.is_empty() || anchors(&pages::read(&target)).contains(anchor));
            if !is_there {
                dead.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
    assert!(count > 100, "links are not found any more: {count}");
}

#[test]
fn every_page_is_reached_from_the_index() {
    let index = Path::new("docs/README.md");
    let mut reached = BTreeSet::from([index.to_owned()]);
    let mut waiting = vec![index.to_owned()];
    while let Some(path) = waiting.pop() {
        for link in links(&pages::read(&path)) {
            let target = beside(&path, link.split('#').next().unwrap_or_default());
            let mut reach = |page: &Path| {
                if reached.insert(page.to_owned()) {
                    waiting.push(page.to_owned());
                }
            };
            if pages::in_project(&target).is_dir() {
                pages::collect(&target, "md", &mut reach);
            } else if target.extension().is_some_and(|extension| extension == "md") {
                reach(&target);
            }
        }
    }
    let lost = pages::all().into_iter().map(|page| page.path).filter(|path| !reached.contains(path));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

/// Those that lead into the project.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    // What stands between backticks shows a link, and is none.
    let prose: String = prose.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let own = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    own.map(|target| target.split_whitespace().collect()).collect()
}

/// The path of `target` as `page` writes it, within the project.
fn beside(page: &Path, target: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_owned();
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => assert!(path.pop(), "{}: {target} leads out of the project", page.display()),
            other => path.push(other),
        }
    }
    path
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(page: &Page) -> BTreeSet<String> {
    let prose = page.prose();
    let headings = prose
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}
