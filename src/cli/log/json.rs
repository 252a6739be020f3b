//! Lines of the log as JSON: one flat object each, with its members in the order in which they are
//! given.

use std::fmt::{self, Debug, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// Writes an event as `{"timestamp":…,"level":…,"message":…,…}`, straight into the line. Every mint
/// waits until its line is made, which takes `tracing-subscriber`'s own format four times as long.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut line)?;
        let level = event.metadata().level().as_str();
        write!(line, r#"","level":"{level}""#)?;
        let mut members = Members(Ok(line));
        event.record(&mut members);
        members.0?.write_str("}\n")
    }
}

/// The line so far, to which members are added; or that it could not be written.
struct Members<'w>(Result<Writer<'w>, fmt::Error>);

impl Members<'_> {
    fn add(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let Ok(line) = &mut self.0 else { return };
        let added = write!(line, r#","{}":"#, field.name()).and_then(|()| value(line));
        if let Err(error) = added {
            self.0 = Err(error);
        }
    }
}

impl Visit for Members<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |line| write!(line, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, |line| write!(line, "{value}"));
    }

    /// What is no number in JSON is `null`.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, |line| {
            if value.is_finite() {
                write!(line, "{value}")
            } else {
                line.write_str("null")
            }
        });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |line| write!(line, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |line| write_string(line, format_args!("{value}")));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, |line| write_string(line, format_args!("{value:?}")));
    }
}

fn write_string(line: &mut Writer<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    line.write_char('"')?;
    Escaped(line).write_fmt(text)?;
    line.write_char('"')
}

/// Takes text, and writes it as it stands within a JSON string (RFC 8259, section 7).
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if text.bytes().all(is_plain) {
            return self.0.write_str(text);
        }
        let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
        self.0.write_str(&quoted[1..quoted.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use chrono::DateTime;
    use serde_json::{Value, json};
    use tracing_subscriber::{fmt, layer::SubscriberExt as _};

    use super::*;

    /// The one line that `log` logs.
    fn line(log: impl FnOnce()) -> String {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let layer = fmt::layer()
            .event_format(Json)
            .with_writer(move || Sink(Arc::clone(&sink)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = written.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn members_come_in_their_order_and_those_without_a_value_not_at_all() {
        let (none, id) = (None::<u64>, Some(tracing::field::display("key_1")));
        let line =
            line(|| tracing::info!(route = "/v2/auth", status = 200_u16, none, id, "request"));
        let (head, rest) = line.split_at(r#"{"timestamp":""#.len());
        assert_eq!(head, r#"{"timestamp":""#);
        let (at, rest) = rest.split_once('"').unwrap();
        assert!(DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
        let members =
            r#""level":"INFO","message":"request","route":"/v2/auth","status":200,"id":"key_1""#;
        assert_eq!(rest, format!(",{members}}}\n"));
    }

    #[test]
    fn whatever_is_logged_is_one_line_of_json() {
        let nasty = "\"quoted\" back\\slash\nnew\u{1}line \u{1F600} {}";
        let line = line(|| {
            let (shown, minus) = (tracing::field::display(nasty), -5_i64);
            tracing::error!(text = nasty, shown, debug = ?nasty, minus, yes = true, half = 0.5, none = f64::NAN, "{nasty}");
        });
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        for member in ["text", "shown", "message"] {
            assert_eq!(read[member], nasty, "{line}");
        }
        assert_eq!(read["debug"], format!("{nasty:?}"));
        assert_eq!(
            [&read["minus"], &read["yes"], &read["half"], &read["none"]],
            [&json!(-5), &json!(true), &json!(0.5), &Value::Null]
        );
        assert_eq!(read["level"], "ERROR");
    }
}
