"""Lists every occurrence in a range, by an expander that is not this project's.

Usage: expand.py FROM TO FLOATING_ZONE, FROM and TO being UTC as 20261122T000000Z. Standard input holds
one JSON object a line: {"ics": "BEGIN:VCALENDAR..."} or {"google": [event, ...]}, the events of one
Google calendar as events.list gives them with singleEvents=false and showDeleted=true. Standard output is
one JSON object an occurrence, or {"error": ..., "input": n} for an input that cannot be expanded.

The expansion itself is done by the packages icalendar and recurring-ical-events.
"""

import json
import re
import sys
import warnings
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import icalendar
import recurring_ical_events

warnings.simplefilter("ignore")

ZONES = available_timezones()
UTC = timezone.utc


def instant(text):
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def plain_zone(match):
    """/prefix/Area/City stands for Area/City."""
    parts = match.group(2).strip('"').split("/")
    for start in range(1, len(parts)):
        name = "/".join(parts[start:])
        if name in ZONES:
            return match.group(1) + name
    return match.group(0)


def prepare(text):
    text = re.sub(r"\r?\n[ \t]", "", text)
    return re.sub(r"(TZID[=:])(\"?/[^:;\r\n\"]+\"?)", plain_zone, text)


def shown(value, floating):
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=floating)
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat()


def occurrences(text, start, end, floating):
    calendar = icalendar.Calendar.from_ical(prepare(text))
    for event in recurring_ical_events.of(calendar, components=["VEVENT"]).between(start, end):
        first = event["DTSTART"].dt
        last = event["DTEND"].dt if "DTEND" in event else first
        yield {
            "uid": str(event.get("UID", "")),
            "start": shown(first, floating),
            "end": shown(last, floating),
            "summary": str(event.get("SUMMARY", "")),
            "location": str(event.get("LOCATION", "")),
            "status": str(event.get("STATUS", "CONFIRMED")).upper(),
            "transparent": str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT",
        }


# Google's events, as an iCalendar object each.


def escaped(text):
    for old, new in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n")):
        text = text.replace(old, new)
    return text


def wall(moment, zone):
    """A Google dateTime as the wall time of a zone."""
    value = datetime.fromisoformat(moment["dateTime"].replace("Z", "+00:00"))
    if value.tzinfo is None:
        return value
    return value.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def property_for(name, moment, zone=None):
    if "date" in moment:
        return f"{name};VALUE=DATE:{moment['date'].replace('-', '')}"
    zone = zone or moment.get("timeZone") or "UTC"
    text = wall(moment, zone).strftime("%Y%m%dT%H%M%S")
    return f"{name}:{text}Z" if zone == "UTC" else f"{name};TZID={zone}:{text}"


def component(event, uid, extra=()):
    lines = ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20200101T000000Z", *extra]
    lines.append(property_for("DTSTART", event["start"]))
    lines.append(property_for("DTEND", event["end"]))
    lines += event.get("recurrence", [])
    lines.append("STATUS:" + event.get("status", "confirmed").upper())
    if event.get("transparency") == "transparent":
        lines.append("TRANSP:TRANSPARENT")
    for name, key in (("SUMMARY", "summary"), ("LOCATION", "location")):
        if event.get(key):
            lines.append(f"{name}:{escaped(event[key])}")
    return lines + ["END:VEVENT"]


def from_google(events):
    """Yields one iCalendar text for each series."""
    exceptions = {}
    for event in events:
        if event.get("recurringEventId"):
            exceptions.setdefault(event["recurringEventId"], []).append(event)
    for event in events:
        if event.get("recurringEventId") or event.get("status") == "cancelled":
            continue
        uid = event.get("iCalUID", event["id"])
        start = event["start"]
        # A date, or the zone in which the master's occurrences are named.
        zone = start.get("timeZone") or "UTC"
        master, overrides = component(event, uid), []
        for exception in exceptions.pop(event["id"], []):
            original = exception["originalStartTime"]
            if exception.get("status") == "cancelled":
                master.insert(-1, property_for("EXDATE", original, zone))
            else:
                extra = [property_for("RECURRENCE-ID", original, zone)]
                overrides += component(exception, uid, extra)
        yield calendar_of(master + overrides)
    # An exception whose master is not here stands for itself.
    for orphans in exceptions.values():
        for event in orphans:
            if event.get("status") != "cancelled":
                yield calendar_of(component(event, event.get("iCalUID", event["id"])))


def calendar_of(lines):
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//oracle//EN", *lines, "END:VCALENDAR", ""])


def main():
    start, end = instant(sys.argv[1]), instant(sys.argv[2])
    floating = ZoneInfo(sys.argv[3])
    for number, line in enumerate(sys.stdin):
        given = json.loads(line)
        texts = [given["ics"]] if "ics" in given else from_google(given["google"])
        try:
            for text in texts:
                for occurrence in occurrences(text, start, end, floating):
                    occurrence["input"] = number
                    print(json.dumps(occurrence))
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}", "input": number}))


main()
