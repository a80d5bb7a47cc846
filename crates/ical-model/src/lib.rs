//! ical-model.
