//! JSON with a line per value, but lists of plain values on one line.

use std::io::{Result, Write};

use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

/// The form of reports: a list of numbers or of names takes one line, however long it is.
#[derive(Default)]
pub(crate) struct Lines {
    pretty: PrettyFormatter<'static>,
    /// A value of a list that begins, which is written when it is known whether it is a plain one:
    /// whether it is the first.
    pending: Option<bool>,
    /// For each open list, whether it has its values on lines of their own.
    spreads: Vec<bool>,
}

impl Lines {
    /// Begins the pending value of a list on a line of its own, or on the same one.
    fn begin<W: ?Sized + Write>(&mut self, writer: &mut W, spreads: bool) -> Result<()> {
        let Some(first) = self.pending.take() else { return Ok(()) };
        if spreads {
            if let Some(of_list) = self.spreads.last_mut() {
                *of_list = true;
            }
            return self.pretty.begin_array_value(writer, first);
        }
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

/// Writes a plain value after what comes before it.
macro_rules! plain {
    ($($name:ident($($value:ident: $kind:ty)?);)+) => {$(
        fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $value: $kind)?) -> Result<()> {
            self.begin(writer, false)?;
            self.pretty.$name(writer $(, $value)?)
        }
    )+};
}

/// Passes a call on.
macro_rules! same {
    ($($name:ident($($value:ident: $kind:ty)?);)+) => {$(
        fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $value: $kind)?) -> Result<()> {
            self.pretty.$name(writer $(, $value)?)
        }
    )+};
}

impl Formatter for Lines {
    plain! {
        write_null();
        write_bool(value: bool);
        write_i8(value: i8);
        write_i16(value: i16);
        write_i32(value: i32);
        write_i64(value: i64);
        write_u8(value: u8);
        write_u16(value: u16);
        write_u32(value: u32);
        write_u64(value: u64);
        write_f32(value: f32);
        write_f64(value: f64);
        begin_string();
    }

    same! {
        end_string();
        write_string_fragment(text: &str);
        write_char_escape(escape: CharEscape);
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.begin(writer, true)?;
        self.spreads.push(false);
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.spreads.pop();
        // Without a line of its own, if the inner formatter saw no value.
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> Result<()> {
        self.pending = Some(first);
        Ok(())
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        match self.spreads.last() {
            Some(true) => self.pretty.end_array_value(writer),
            _ => Ok(()),
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.begin(writer, true)?;
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.pretty.end_object(writer)
    }
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Serialize;
    use serde_json::{Serializer, Value, json};

    use super::*;

    #[test]
    fn lists_of_plain_values_take_a_line() {
        let value = json!({
            "a": [1, 2.5, "x", null, true],
            "b": [],
            "c": [{"d": [1]}, {"e": {}}],
            "f": [[1, 2], [], ["y\n"]],
            "g": {"h": "i"}
        });
        let mut text = Vec::new();
        value.serialize(&mut Serializer::with_formatter(&mut text, Lines::default())).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let expected = r#"{
  "a": [1, 2.5, "x", null, true],
  "b": [],
  "c": [
    {
      "d": [1]
    },
    {
      "e": {}
    }
  ],
  "f": [
    [1, 2],
    [],
    ["y\n"]
  ],
  "g": {
    "h": "i"
  }
}"#;
        assert_eq!(text, expected);
    }
}
