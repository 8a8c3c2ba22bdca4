//! How log lines look, and which there are.

use std::io::{self, IsTerminal};

use tracing::{level_filters::LevelFilter, warn};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use super::json::FlatJson;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A text that says nothing about what is logged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no text.
    #[error("empty; give a level (off, error, warn, info, debug, trace) or a filter such as lambdaroles=debug,info")]
    Empty,
    /// A word that is no level. It would silence everything else, as the name of a module.
    #[error("{0:?} is no level (off, error, warn, info, debug, trace); for a module write {0}=debug")]
    NoLevel(String),
    /// A filter that cannot be read.
    #[error("{0:?} is no filter: {1}")]
    Invalid(String, String),
}

/// Reads a filter: a level, or levels by module.
///
/// # Errors
/// If it is none.
pub fn check_filter(text: &str) -> Result<EnvFilter, FilterError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FilterError::Empty);
    }
    let bare = text.split(',').map(str::trim).filter(|directive| !directive.contains(['=', '[', '{', '}', ']']));
    if let Some(word) = bare.into_iter().find(|word| word.is_empty() || word.parse::<LevelFilter>().is_err()) {
        return Err(FilterError::NoLevel(word.to_owned()));
    }
    EnvFilter::try_new(text).map_err(|error| FilterError::Invalid(text.to_owned(), error.to_string()))
}

/// What is logged, which can be changed while the process runs.
#[derive(Clone, Debug)]
pub struct LogLevel {
    handle: reload::Handle<EnvFilter, Registry>,
    at_start: String,
}

impl LogLevel {
    /// The filter that holds now.
    ///
    /// # Errors
    /// If the log is no more.
    pub fn current(&self) -> Result<String, reload::Error> {
        self.handle.with_current(ToString::to_string)
    }

    /// Has another filter hold from now on.
    ///
    /// # Errors
    /// If the log is no more.
    pub fn set(&self, filter: EnvFilter) -> Result<(), reload::Error> {
        self.handle.reload(filter)?;
        let filter = self.current()?;
        // At a level that is hardly ever off: who reads the log later has to know why it changes.
        warn!(filter, "the log level was changed");
        Ok(())
    }

    /// Has the filter hold that the process was started with.
    ///
    /// # Errors
    /// If the log is no more.
    pub fn reset(&self) -> Result<(), reload::Error> {
        self.set(EnvFilter::new(&self.at_start))
    }
}

/// A layer that writes to standard error.
pub(super) type LogLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The log, and what changes its level.
pub(super) fn layer(format: LogFormat, filter: &str) -> Result<(LogLayer, LogLevel), FilterError> {
    let (filter, handle) = reload::Layer::new(check_filter(filter)?);
    let at_start = handle.with_current(ToString::to_string).unwrap_or_default();
    let layer = match format {
        LogFormat::Text => {
            let layer = fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
            layer.with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().event_format(FlatJson).with_writer(io::stderr);
            layer.with_filter(filter).boxed()
        }
    };
    Ok((layer, LogLevel { handle, at_start }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("info")]
    #[case("WARN")]
    #[case("off")]
    #[case(" debug\n")]
    #[case("lambdaroles=debug,info")]
    #[case("lambdaroles::aws=trace, warn")]
    #[case("info,lambdaroles[reconcile{name=orders}]=debug")]
    fn a_level_is_a_filter_and_so_are_levels_by_module(#[case] text: &str) {
        check_filter(text).unwrap();
    }

    #[rstest]
    #[case::nothing("", "empty")]
    #[case::only_space(" \n", "empty")]
    #[case::a_word_that_would_silence_all("verbose", "\"verbose\" is no level")]
    #[case::beside_a_level("info,lambdaroles", "for a module write lambdaroles=debug")]
    #[case::with_a_wrong_level("lambdaroles=loud", "\"lambdaroles=loud\" is no filter")]
    #[case::half_a_list("info,", "\"\" is no level")]
    fn what_says_nothing_about_what_is_logged_is_refused(#[case] text: &str, #[case] expected: &str) {
        let message = check_filter(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
