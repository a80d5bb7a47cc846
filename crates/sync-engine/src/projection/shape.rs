//! Applying a projection.

use super::{Declined, Privacy, PrivateEvents, Projected};
use crate::model::series::OverrideValue;
use crate::model::{
    Fields, RecurrenceId, Sensitivity, Series, Status, Text, Transparency, When, Zone, ZoneName,
};
use crate::observation::Remark;
use crate::ports::Capabilities;
use crate::ports::side::Recurring;
use crate::recurrence::{Given, Recurrence, RuleEnd, ends_before_start, first_id};
use crate::snapshot::inherited;

/// What a mapping lets through to one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// The mapping's privacy rule; [`Privacy::Full`] towards the side it does not protect from.
    pub privacy: Privacy,
    /// Declined events.
    pub declined: Declined,
    /// Private events.
    pub private_events: PrivateEvents,
    /// The source calendar's name, for `{calendar}`.
    pub calendar: String,
    /// Stands in for times without zone.
    pub time_zone: ZoneName,
    /// What the target can hold.
    pub target: Capabilities,
}

/// What a projection made of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shaped {
    /// It has a presence on the target.
    Series(Projected),
    /// It has none: cancelled as a whole, declined or private and to be skipped.
    Nothing,
}

impl Projection {
    /// Shapes a series for the target.
    pub fn shape(&self, series: &Series) -> Shaped {
        if let Some(master) = &series.master
            && (master.status == Status::Cancelled || self.skips(master))
        {
            return Shaped::Nothing;
        }
        let mut overrides = std::collections::BTreeMap::new();
        for (id, value) in &series.overrides {
            let shaped = match value {
                OverrideValue::Cancelled => OverrideValue::Cancelled,
                OverrideValue::Fields(fields)
                    if fields.status == Status::Cancelled || self.skips(fields) =>
                {
                    OverrideValue::Cancelled
                }
                OverrideValue::Fields(fields) => {
                    OverrideValue::Fields(Box::new(self.fields(fields)))
                }
            };
            // An override without master that must not show has nothing to be cancelled from.
            if series.master.is_some() || shaped != OverrideValue::Cancelled {
                overrides.insert(*id, shaped);
            }
        }
        let mut master = series.master.as_ref().map(|master| self.fields(master));
        if let Some(master) = &mut master {
            self.count_start(master, &overrides);
            let given = Given::of(master, &self.time_zone);
            // What told an override from its master may be just what does not cross.
            overrides.retain(|id, value| match value {
                OverrideValue::Cancelled => true,
                OverrideValue::Fields(fields) => {
                    **fields != inherited(master, *id) || !given.at(*id)
                }
            });
        }
        let shaped = Series { master, overrides };
        if shaped.is_empty() {
            Shaped::Nothing
        } else {
            Shaped::Series(Projected::of_target(shaped))
        }
    }

    /// What is lost in `series` because the target cannot hold it.
    pub fn losses(&self, series: &Series) -> Vec<Remark> {
        let too_long = |text: &Text, limit: Option<usize>| {
            limit.is_some_and(|limit| text.as_str().chars().count() > limit)
        };
        let own = series.overrides.values().filter_map(|value| match value {
            OverrideValue::Fields(fields) => Some(fields.as_ref()),
            OverrideValue::Cancelled => None,
        });
        let mut losses = Vec::new();
        let onward = series.recurring_master();
        let onward = onward.iter().flat_map(|(_, repeats)| &repeats.onward);
        let onward = onward.map(|onward| &onward.fields);
        for fields in series.master.iter().chain(own).chain(onward) {
            for (what, cut) in [
                ("title", too_long(&fields.title, self.target.title_limit)),
                (
                    "description",
                    too_long(&fields.description, self.target.description_limit),
                ),
                (
                    "location",
                    too_long(&fields.location, self.target.location_limit),
                ),
            ] {
                if cut {
                    losses.push(Remark {
                        code: "text_cut".to_owned(),
                        detail: format!(
                            "The {what} is longer than {} takes; the copy ends early. The original stays whole.",
                            "the other side"
                        ),
                    });
                }
            }
        }
        losses.dedup();
        losses
    }

    /// A series that ends before it starts takes place once, at its start. A target that counts only
    /// what the rule gives is told so in its own way.
    fn count_start(
        &self,
        master: &mut Fields,
        overrides: &std::collections::BTreeMap<RecurrenceId, OverrideValue>,
    ) {
        let first = first_id(&master.when);
        if self.target.recurring == Recurring::Anything
            || overrides.get(&first) == Some(&OverrideValue::Cancelled)
        {
            return;
        }
        if let Some(recurrence) = &mut master.recurrence
            && ends_before_start(&master.when, recurrence)
        {
            for rule in &mut recurrence.rules {
                rule.end = RuleEnd::Count(1);
            }
        }
    }

    /// What holds from an occurrence on is shaped like any component.
    fn recurrence(&self, recurrence: &Recurrence) -> Recurrence {
        let mut shaped = recurrence.clone();
        for onward in &mut shaped.onward {
            let skipped = self.skips(&onward.fields);
            onward.fields = self.fields(&onward.fields);
            if skipped {
                onward.fields.status = Status::Cancelled;
            }
        }
        shaped
    }

    /// What the target showed of a component once, as it may show there by now; `None` if it may not
    /// be there at all. `source` is what it stands for, `private` that it counts as private whatever
    /// that says.
    ///
    /// What this very rule made of it already is not shaped a second time.
    pub(crate) fn again(
        &self,
        shown: &Fields,
        source: Option<&Fields>,
        private: bool,
    ) -> Option<Fields> {
        let sensitive = |fields: &Fields| fields.sensitivity != Sensitivity::Public;
        let mut fields = shown.clone();
        if private || source.is_some_and(sensitive) {
            fields.sensitivity = Sensitivity::Private;
        }
        fields.declined = source.is_some_and(|source| source.declined);
        if self.skips(&fields) {
            return None;
        }
        let onward = fields.recurrence.iter_mut();
        for each in onward.flat_map(|recurrence| &mut recurrence.onward) {
            match self.again(&each.fields, source, private) {
                Some(again) => each.fields = again,
                None => each.fields.status = Status::Cancelled,
            }
        }
        let mut again = Fields {
            recurrence: None,
            ..fields.clone()
        };
        again = self.fields(&again);
        again.recurrence.clone_from(&fields.recurrence);
        if let Privacy::Template(template) = self.privacy(&fields)
            && self.is_titled(&template.title, shown.title.as_str())
        {
            again.title = shown.title.clone();
        }
        Some(again)
    }

    /// The rule for a component.
    fn privacy(&self, fields: &Fields) -> &Privacy {
        if fields.sensitivity != Sensitivity::Public && self.private_events == PrivateEvents::Busy {
            &Privacy::Busy
        } else {
            &self.privacy
        }
    }

    fn skips(&self, fields: &Fields) -> bool {
        (fields.declined && self.declined == Declined::Skip)
            || (fields.sensitivity != Sensitivity::Public
                && self.private_events == PrivateEvents::Skip)
    }

    /// Shapes one component.
    pub(crate) fn fields(&self, fields: &Fields) -> Fields {
        let hidden = fields.sensitivity != Sensitivity::Public;
        let (title, description, location) = match self.privacy(fields) {
            Privacy::Full => (
                fields.title.clone(),
                fields.description.clone(),
                fields.location.clone(),
            ),
            Privacy::Busy => (Text::new("Busy"), Text::default(), Text::default()),
            Privacy::Template(template) => (
                Text::new(&self.titled(&template.title, fields.title.as_str())),
                kept(template.description, &fields.description),
                kept(template.location, &fields.location),
            ),
        };
        let free = fields.declined && self.declined == Declined::Free;
        let private =
            hidden && self.target.visibility && self.private_events == PrivateEvents::Private;
        Fields {
            title: cut(title, self.target.title_limit),
            description: cut(description, self.target.description_limit),
            location: cut(location, self.target.location_limit),
            when: self.when(&fields.when),
            recurrence: fields.recurrence.as_ref().map(|each| self.recurrence(each)),
            status: fields.status,
            transparency: if free {
                Transparency::Free
            } else {
                fields.transparency
            },
            sensitivity: if private {
                Sensitivity::Private
            } else {
                Sensitivity::Public
            },
            declined: false,
        }
    }

    /// One pass over the template, so that a title that itself says `{calendar}` stays literal.
    fn titled(&self, template: &str, title: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            if let Some(after) = from.strip_prefix("{title}") {
                out.push_str(title);
                rest = after;
            } else if let Some(after) = from.strip_prefix("{calendar}") {
                out.push_str(&self.calendar);
                rest = after;
            } else {
                out.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
        out.push_str(rest);
        out
    }

    /// Whether a title is one that this template makes.
    fn is_titled(&self, template: &str, title: &str) -> bool {
        const MARK: &str = "\u{0}";
        let made = self.titled(template, MARK);
        let mut rest = title;
        let mut parts = made.split(MARK).map(str::trim);
        let Some(after) = parts.next().and_then(|first| rest.strip_prefix(first)) else {
            return false;
        };
        rest = after;
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            // All of it is literal.
            return rest.is_empty();
        };
        let Some(before) = rest.strip_suffix(last) else {
            return false;
        };
        rest = before;
        parts.into_iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = rest.get(at + part.len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    }

    fn when(&self, when: &When) -> When {
        if self.target.floating {
            return when.clone();
        }
        let mut when = when.clone();
        if let When::Timed { start, end } = &mut when {
            for time in [start, end] {
                if time.zone == Zone::Floating {
                    time.zone = Zone::Named(self.time_zone.clone());
                }
            }
        }
        when
    }
}

fn kept(keep: bool, text: &Text) -> Text {
    if keep { text.clone() } else { Text::default() }
}

fn cut(text: Text, limit: Option<usize>) -> Text {
    match limit {
        Some(limit) if text.as_str().chars().count() > limit => {
            Text::new(&text.as_str().chars().take(limit).collect::<String>())
        }
        _ => text,
    }
}
