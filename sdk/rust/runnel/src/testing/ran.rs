use std::collections::BTreeMap;

use super::json;
use crate::host::{Level, Script};
use crate::json::{FromJson, Kind, Mismatch, Reader, member};
use crate::{Json, json};

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Ran {
    ending: Ending,
    reads: Vec<String>,
    published: Vec<Published>,
    log: Vec<(Level, String)>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The subscriber gets nothing.
    Skipped,
    /// The subscriber gets this.
    Delivered(Json),
    /// The subscriber gets an error.
    Failed(Failure),
    /// The subscription ends, after a last value where there is one.
    Completed(Option<Json>),
    /// The resolver panicked; the line that the log has of it.
    Trapped(String),
}

/// The error that a resolver failed with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The message.
    pub message: String,
    /// The extensions, by name.
    pub extensions: BTreeMap<String, Json>,
}

/// An event that a resolver has published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Where to.
    pub channel: String,
    /// The payload.
    pub payload: Json,
}

impl Ran {
    /// A verdict of `None` is a trap.
    pub(super) fn new(verdict: Option<i32>, mut script: Script) -> Self {
        let output = script.output.take().map(|text| whole(&text));
        let ending = match (verdict, output) {
            (Some(0), _) => Ending::Skipped,
            (Some(1), Some(output)) => Ending::Delivered(output),
            (Some(3), output) => Ending::Completed(output),
            (Some(_), _) => Ending::Failed(failure(&script.failure.unwrap_or_default())),
            (None, _) => {
                let line = script.log.last().map(|(_, line)| line.clone());
                Ending::Trapped(line.unwrap_or_default())
            }
        };
        let published = script.published.into_iter();
        let published = published.map(|(channel, payload)| Published {
            channel,
            payload: json(&payload),
        });
        Ran {
            ending,
            reads: script.reads,
            published: published.collect(),
            log: script.log,
        }
    }

    /// How it ended.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// What was delivered.
    ///
    /// # Panics
    ///
    /// Where nothing was, or something else than a `T`.
    #[track_caller]
    pub fn delivered<T: FromJson>(&self) -> T {
        match &self.ending {
            Ending::Delivered(output) => match output.read_as() {
                Ok(value) => value,
                Err(mismatch) => panic!("delivered {output}: {mismatch}"),
            },
            other => panic!("not delivered, but {other:?}"),
        }
    }

    /// What the resolver of a field of an object type gave each parent.
    ///
    /// # Panics
    ///
    /// Where it gave nothing, or something else than a `T`.
    #[track_caller]
    pub fn resolved<T: FromJson>(&self) -> Vec<Result<T, Failure>> {
        let elements: Vec<Element<T>> = match &self.ending {
            Ending::Delivered(output) => whole(output.as_str()),
            other => panic!("not delivered, but {other:?}"),
        };
        elements.into_iter().map(|element| element.0).collect()
    }

    /// Whether the subscriber gets nothing.
    pub fn skipped(&self) -> bool {
        self.ending == Ending::Skipped
    }

    /// The error that it failed with.
    ///
    /// # Panics
    ///
    /// Where it did not fail.
    #[track_caller]
    pub fn failure(&self) -> &Failure {
        match &self.ending {
            Ending::Failed(failure) => failure,
            other => panic!("not failed, but {other:?}"),
        }
    }

    /// What was read, in order, each once: `event`, `parents`, `meta`, `config`, `argument
    /// NAME`, `claim NAME`, `permitted NAME`.
    pub fn reads(&self) -> &[String] {
        &self.reads
    }

    /// What was handed to the bus, in order, also where it did not take it.
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// The lines logged, in order.
    pub fn log(&self) -> &[(Level, String)] {
        &self.log
    }
}

/// Reads an output, of a batch or of one value.
#[track_caller]
fn whole<T: FromJson>(text: &str) -> T {
    match json::read_whole(Reader::of_batch(text)) {
        Ok(value) => value,
        Err(mismatch) => panic!("delivered {text}: {mismatch}"),
    }
}

/// Reads what `fail` was given: an object, or a message.
fn failure(report: &str) -> Failure {
    json::from_str(report).unwrap_or_else(|_| Failure {
        message: report.to_owned(),
        extensions: BTreeMap::new(),
    })
}

/// An element of what a batch was given.
struct Element<T>(Result<T, Failure>);

impl<T: FromJson> FromJson for Element<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let mut failure = None;
        if reader.kind()? == Kind::Object {
            reader.clone().object("", &mut |key, reader| match key {
                "@error" => {
                    failure = Some(FromJson::read(reader)?);
                    Ok(())
                }
                _ => reader.skip(),
            })?;
        }
        match failure {
            Some(failure) => reader.skip().map(|()| Element(Err(failure))),
            None => T::read(reader).map(|value| Element(Ok(value))),
        }
    }
}

impl FromJson for Failure {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let (mut message, mut extensions) = (None, BTreeMap::new());
        reader.object("Failure", &mut |key, reader| {
            match key {
                "message" => message = Some(FromJson::read(reader)?),
                "extensions" => extensions = FromJson::read(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Failure {
            message: member(message, "message")?,
            extensions,
        })
    }
}
