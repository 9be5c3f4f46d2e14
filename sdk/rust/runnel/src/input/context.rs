use crate::Result;
use crate::host::Source;
use crate::json::{FromJson, Mismatch, Reader, ToJson, Writer, member};
use crate::read;

/// The circumstances of a run: who the subscriber is and what they may do, the
/// module's config, and the event's meta.
///
/// What a resolver reads here decides with whom its result can be shared: one
/// that asks for a permission runs once for those who hold it and once for all
/// others, one that reads the claim `sub` runs once per subscriber. So ask late,
/// and for little.
#[derive(Clone, Copy, Debug)]
pub struct Context(());

impl Context {
    pub(crate) fn new() -> Self {
        Context(())
    }

    /// Whether the subscriber holds that permission.
    pub fn permitted(&self, permission: &str) -> bool {
        read::text(Source::Permitted, permission).is_some()
    }

    /// A claim of the subscriber's identity; `None` where it is absent or null.
    ///
    /// # Errors
    ///
    /// Where the claim does not fit `T`: `claim sub: expected String, got a
    /// number`.
    pub fn claim<T: FromJson>(&self, name: &str) -> Result<Option<T>> {
        read::optional(Source::Claim, name)
    }

    /// The module's config, as its tenant has set it; `None` where none is set.
    ///
    /// # Errors
    ///
    /// Where the config does not fit `T`.
    pub fn config<T: FromJson>(&self) -> Result<Option<T>> {
        read::optional(Source::Config, "")
    }

    /// The event's, or the request's, id and time. Since no two events share
    /// them, read it only where it is needed.
    ///
    /// # Errors
    ///
    /// None on the server. In a test, where no meta is given.
    pub fn meta(&self) -> Result<Meta> {
        read::required(Source::Meta, "")
    }
}

/// What the server knows of an event or a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The id of the event, or of the request for a Query or Mutation field.
    pub id: String,
    /// The event's channel; `None` for a Query or Mutation field.
    pub channel: Option<String>,
    /// When it was accepted: RFC 3339, UTC, milliseconds.
    pub time: String,
}

impl ToJson for Meta {
    fn write(&self, writer: &mut Writer) {
        let mut object = writer.object();
        object.member("id", &self.id);
        object.member("channel", &self.channel);
        object.member("time", &self.time);
    }
}

impl FromJson for Meta {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let (mut id, mut channel, mut time) = (None, None, None);
        reader.object("Meta", &mut |key, reader| {
            match key {
                "id" => id = Some(FromJson::read(reader)?),
                "channel" => channel = Some(FromJson::read(reader)?),
                "time" => time = Some(FromJson::read(reader)?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Meta {
            id: member(id, "id")?,
            channel: member(channel, "channel")?,
            time: member(time, "time")?,
        })
    }
}
