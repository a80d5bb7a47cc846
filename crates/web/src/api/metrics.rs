//! `GET /metrics`: figures in the text format of Prometheus. Mappings are told apart by their ids,
//! and nothing else is: neither names nor events, so that the number of series stays what it is.

use std::fmt::{Display, Write as _};

use actix_web::{HttpResponse, web as aw};
use app::{BUCKETS, Figures, MappingFigures};
use sync_engine::model::time::Timestamp;

use super::Answer;
use crate::input::{Nothing, Params};
use crate::web::Web;

/// The media type of the text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How runs end, in the order of [`MappingFigures::runs`].
const RESULTS: [&str; 3] = ["success", "partial_failure", "failure"];
/// What is done with events, in the order of the figures.
const KINDS: [&str; 3] = ["insert", "update", "delete"];

/// Everything that can be measured, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, description = "The figures.", body = String, content_type = "text/plain"),
))]
pub(crate) async fn metrics(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let figures = web.app.figures().await?;
    Ok(HttpResponse::Ok()
        .insert_header((actix_web::http::header::CONTENT_TYPE, TEXT))
        .body(text(&figures)))
}

/// The figures as text.
fn text(figures: &Figures) -> String {
    let mut page = Page::default();
    page.of_program(figures);
    page.of_runs(figures);
    page.of_mappings(&figures.mappings);
    page.0
}

/// The text as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Begins a metric.
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            self.0,
            "# HELP caldav_sync_{name} {help}\n# TYPE caldav_sync_{name} {kind}"
        );
    }

    /// One value. Labels are words of ours and ids, which need no escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.0, "caldav_sync_{name}{labels} {value}");
    }

    /// A metric with one value.
    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.sample(name, &[], value);
    }

    fn of_program(&mut self, figures: &Figures) {
        self.metric("build_info", "gauge", "The version that runs; always 1.");
        self.sample("build_info", &[("version", &figures.version)], 1);
        self.single(
            "start_time_seconds",
            "gauge",
            "When the program started, since 1970.",
            seconds(figures.started_at),
        );
        self.single(
            "interval_seconds",
            "gauge",
            "Time between two rounds.",
            figures.interval_seconds,
        );
        self.metric(
            "account_needs_reauth",
            "gauge",
            "Accounts that need somebody: a sign-in has ended, or the server is gone.",
        );
        for (side, count) in [
            ("caldav", figures.caldav_in_trouble),
            ("google", figures.google_in_trouble),
        ] {
            self.sample("account_needs_reauth", &[("side", side)], count);
        }
        self.single(
            "outbox_pending",
            "gauge",
            "Webhook messages that wait for their delivery.",
            figures.outbox_pending,
        );
        self.metric(
            "webhook_deliveries_total",
            "counter",
            "Webhook calls since the start.",
        );
        for (result, count) in [
            ("delivered", figures.counted.delivered),
            ("failed", figures.counted.undelivered),
        ] {
            self.sample("webhook_deliveries_total", &[("result", result)], count);
        }
        if let Some(at) = figures.sound_at {
            self.single(
                "database_sound_timestamp_seconds",
                "gauge",
                "When the last weekly check found the database sound, since 1970.",
                seconds(at),
            );
        }
    }

    fn of_runs(&mut self, figures: &Figures) {
        let counted = &figures.counted;
        let name = "sync_duration_seconds";
        self.metric(name, "histogram", "How long runs took, since the start.");
        let mut runs = 0;
        for (bound, count) in BUCKETS.iter().zip(counted.durations) {
            runs += count;
            self.sample(
                "sync_duration_seconds_bucket",
                &[("le", &bound.to_string())],
                runs,
            );
        }
        runs += counted.longer;
        self.sample("sync_duration_seconds_bucket", &[("le", "+Inf")], runs);
        self.sample("sync_duration_seconds_sum", &[], counted.seconds);
        self.sample("sync_duration_seconds_count", &[], runs);
        self.metric(
            "actions_total",
            "counter",
            "Events written since the start.",
        );
        let directions = ["google_to_caldav", "caldav_to_google"];
        for (direction, kinds) in directions.iter().zip(counted.written) {
            for (kind, count) in KINDS.iter().zip(kinds) {
                let labels = [("direction", *direction), ("kind", *kind)];
                self.sample("actions_total", &labels, count);
            }
        }
        self.single(
            "action_failures_total",
            "counter",
            "Events that could not be written, since the start.",
            counted.failed,
        );
        self.metric(
            "sync_runs_total",
            "counter",
            "Runs that ended, since the start.",
        );
        for mapping in &figures.mappings {
            for (result, count) in RESULTS.iter().zip(mapping.runs) {
                let labels = [("mapping", mapping.id.as_str()), ("result", *result)];
                self.sample("sync_runs_total", &labels, count);
            }
        }
    }

    fn of_mappings(&mut self, mappings: &[MappingFigures]) {
        self.per_mapping(
            "last_success_timestamp_seconds",
            "When a run last ended without any failure, since 1970.",
            mappings,
            |mapping| mapping.last_success.map(seconds),
        );
        self.per_mapping(
            "guard_tripped",
            "1 while changes are held back until somebody decides.",
            mappings,
            |mapping| Some(u8::from(mapping.held > 0)),
        );
        self.per_mapping(
            "mapping_active",
            "1 when the mapping runs, 0 when it is switched off or waits after a restore.",
            mappings,
            |mapping| Some(u8::from(mapping.active)),
        );
        self.per_mapping(
            "tracked_series",
            "Series that are kept in step.",
            mappings,
            |mapping| Some(mapping.tracked),
        );
        self.per_mapping(
            "conflicts_open",
            "Conflicts that wait for somebody.",
            mappings,
            |mapping| Some(mapping.conflicts),
        );
    }

    fn per_mapping<T: Display>(
        &mut self,
        name: &str,
        help: &str,
        mappings: &[MappingFigures],
        value: impl Fn(&MappingFigures) -> Option<T>,
    ) {
        self.metric(name, "gauge", help);
        for mapping in mappings {
            if let Some(value) = value(mapping) {
                self.sample(name, &[("mapping", mapping.id.as_str())], value);
            }
        }
    }
}

/// Seconds since 1970.
fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use app::Counted;
    use sync_engine::model::MappingId;

    use super::*;

    fn figures() -> Figures {
        Figures {
            version: "1.2.3".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            counted: Counted {
                durations: [4, 0, 1, 0, 0, 0, 0, 0, 0],
                longer: 2,
                seconds: 7205.5,
                written: [[0, 0, 1], [3, 2, 0]],
                ..Counted::default()
            },
            mappings: vec![MappingFigures {
                id: MappingId::new("map_1"),
                active: true,
                tracked: 5,
                last_success: None,
                held: 3,
                conflicts: 0,
                runs: [6, 0, 1],
            }],
            caldav_in_trouble: 0,
            google_in_trouble: 1,
            outbox_pending: 2,
            sound_at: None,
            interval_seconds: 300,
        }
    }

    #[test]
    fn the_figures_are_spelled_as_prometheus_reads_them() {
        let text = text(&figures());
        for line in [
            "caldav_sync_build_info{version=\"1.2.3\"} 1",
            "caldav_sync_sync_runs_total{mapping=\"map_1\",result=\"success\"} 6",
            "caldav_sync_sync_runs_total{mapping=\"map_1\",result=\"failure\"} 1",
            "caldav_sync_guard_tripped{mapping=\"map_1\"} 1",
            "caldav_sync_account_needs_reauth{side=\"google\"} 1",
            "caldav_sync_actions_total{direction=\"caldav_to_google\",kind=\"insert\"} 3",
            "caldav_sync_actions_total{direction=\"google_to_caldav\",kind=\"delete\"} 1",
            "caldav_sync_outbox_pending 2",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no {line} in\n{text}"
            );
        }
        // Nothing succeeded yet: no value, rather than one that means 1970.
        assert!(!text.contains("last_success_timestamp_seconds{"), "{text}");
    }

    #[test]
    fn buckets_add_up() {
        let text = text(&figures());
        let bucket = |bound: &str| {
            let label = format!("sync_duration_seconds_bucket{{le=\"{bound}\"}} ");
            let line = text.lines().find(|line| line.contains(&label)).unwrap();
            line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
        };
        assert_eq!((bucket("1"), bucket("2"), bucket("5")), (4, 4, 5));
        assert_eq!((bucket("3600"), bucket("+Inf")), (5, 7));
        assert!(text.contains("sync_duration_seconds_count 7\n"), "{text}");
    }

    /// What promlint asks for: every metric has its help and its type once and before its values,
    /// counters end in `_total`, nothing else does.
    #[test]
    fn every_metric_is_declared_once() {
        let text = text(&figures());
        let mut declared = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(declared.insert(name.to_owned()), "{name} twice");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
                assert!(text.contains(&format!("# HELP {name} ")), "{name}");
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap();
                let family = ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(name);
                assert!(
                    declared.contains(name) || declared.contains(family),
                    "{line}"
                );
            }
        }
    }
}
