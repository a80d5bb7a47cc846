"""Compares the simulator's expansion of recurrence with python-dateutil's.

Usage: python expansion.py http://127.0.0.1:PORT
Each case is inserted as an event; its instances must start where dateutil says.
dateutil iterates the wall clock; the zone's first offset (fold 0) makes instants.
"""

import datetime as dt
import http.client
import json
import random
import sys
import warnings
import zoneinfo

from dateutil.rrule import rrulestr

# The packaged zone data, whose version is pinned, and not the system's.
zoneinfo.reset_tzpath([])
# COUNT together with the search limit is meant.
warnings.simplefilter("ignore", DeprecationWarning)

HOST = sys.argv[1].removeprefix("http://")
ACCOUNT = "ada@example.com"
UTC = dt.timezone.utc
connection = http.client.HTTPConnection(HOST)

# (zone, start, lines); the zone is None for days.
CASES = [
    # Gaps and folds.
    ("Europe/Berlin", "2026-03-27T02:30:00", ["RRULE:FREQ=DAILY;COUNT=5"]),
    ("Europe/Berlin", "2026-10-23T02:30:00", ["RRULE:FREQ=DAILY;COUNT=5"]),
    ("America/New_York", "2026-03-01T02:15:00", ["RRULE:FREQ=WEEKLY;COUNT=4"]),
    ("America/New_York", "2026-10-25T01:30:00", ["RRULE:FREQ=WEEKLY;COUNT=4"]),
    ("Australia/Lord_Howe", "2026-10-02T02:15:00", ["RRULE:FREQ=DAILY;COUNT=6"]),
    ("Australia/Lord_Howe", "2027-04-02T01:45:00", ["RRULE:FREQ=DAILY;COUNT=6"]),
    ("Pacific/Apia", "2011-12-27T10:00:00", ["RRULE:FREQ=DAILY;COUNT=6"]),
    ("Africa/Casablanca", "2027-02-01T02:30:00", ["RRULE:FREQ=DAILY;COUNT=60"]),
    ("Asia/Kathmandu", "2026-11-09T23:45:00", ["RRULE:FREQ=MONTHLY;COUNT=5"]),
    # Leap days and short months.
    ("UTC", "2024-02-29T09:00:00", ["RRULE:FREQ=YEARLY;COUNT=4"]),
    (None, "2024-02-29", ["RRULE:FREQ=YEARLY;INTERVAL=4;COUNT=5"]),
    (None, "2024-02-29", ["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;COUNT=6"]),
    (None, "2026-01-31", ["RRULE:FREQ=MONTHLY;COUNT=8"]),
    (None, "2026-01-30", ["RRULE:FREQ=MONTHLY;INTERVAL=13;COUNT=8"]),
    # Positions, ordinals, weeks.
    ("America/New_York", "1997-09-29T09:00:00", ["RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=8"]),
    ("America/New_York", "1997-09-02T09:00:00", ["RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=6"]),
    (None, "2026-01-02", ["RRULE:FREQ=MONTHLY;BYDAY=TU,FR;BYSETPOS=1,-1;COUNT=10"]),
    (None, "2026-03-29", ["RRULE:FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;COUNT=8"]),
    (None, "2026-05-15", ["RRULE:FREQ=YEARLY;BYDAY=20FR,-1FR;COUNT=6"]),
    (None, "1997-05-12", ["RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=6"]),
    (None, "2020-12-28", ["RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;COUNT=3"]),
    (None, "2026-04-10", ["RRULE:FREQ=YEARLY;BYYEARDAY=100,-100;COUNT=8"]),
    ("UTC", "1997-08-05T09:00:00", ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=6;BYDAY=TU,SU;WKST=MO"]),
    ("UTC", "1997-08-05T09:00:00", ["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=6;BYDAY=TU,SU;WKST=SU"]),
    ("Europe/Berlin", "2026-11-09T08:00:00", ["RRULE:FREQ=DAILY;BYHOUR=8,12;BYMINUTE=0,30;COUNT=9"]),
    ("Europe/Berlin", "2026-11-09T08:00:00", ["RRULE:FREQ=WEEKLY;BYDAY=MO;BYHOUR=8,12;BYSETPOS=-1;COUNT=3"]),
    # Ends.
    ("Europe/Berlin", "2026-11-09T10:00:00", ["RRULE:FREQ=DAILY;UNTIL=20261112T090000Z"]),
    ("Europe/Berlin", "2026-11-09T10:00:00", ["RRULE:FREQ=DAILY;UNTIL=20261112T085959Z"]),
    ("Europe/Berlin", "2026-11-09T10:00:00", ["RRULE:FREQ=DAILY;UNTIL=20261101T000000Z"]),
    ("Europe/Berlin", "2026-10-23T10:00:00", ["RRULE:FREQ=DAILY;UNTIL=20261026T090000Z"]),
    (None, "2026-11-09", ["RRULE:FREQ=DAILY;UNTIL=20261112"]),
    (None, "2026-11-09", ["RRULE:FREQ=DAILY;UNTIL=20261109"]),
    # Dates in and out.
    ("Europe/Berlin", "2026-11-09T10:00:00", ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20261110T090000Z", "EXDATE;TZID=Europe/Berlin:20261112T100000"]),
    ("Europe/Berlin", "2026-11-09T10:00:00", ["RRULE:FREQ=DAILY;COUNT=2", "RDATE;TZID=America/New_York:20261224T180000,20261225T180000"]),
    (None, "2026-11-09", ["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;VALUE=DATE:20261109,20261123", "RDATE;VALUE=DATE:20261111"]),
]


def random_cases(count, seed):
    dice = random.Random(seed)
    zones = [None, "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
    days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

    def some(values, most=3):
        return ",".join(str(v) for v in dice.sample(values, dice.randint(1, most)))

    for _ in range(count):
        zone = dice.choice(zones)
        freq = dice.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
        parts = [f"FREQ={freq}", f"COUNT={dice.randint(1, 12)}"]
        by = []
        if dice.random() < 0.5:
            parts.append(f"INTERVAL={dice.randint(2, 4)}")
        if dice.random() < 0.3:
            parts.append(f"WKST={dice.choice(days)}")
        if dice.random() < 0.3:
            by.append("BYMONTH=" + some(range(1, 13)))
        if freq != "WEEKLY" and dice.random() < 0.4:
            by.append("BYMONTHDAY=" + some([*range(1, 32), *range(-31, 0)]))
        if freq == "YEARLY" and dice.random() < 0.15:
            by.append("BYYEARDAY=" + some([*range(1, 367), *range(-366, 0)]))
        if dice.random() < 0.5:
            if freq in ("MONTHLY", "YEARLY") and dice.random() < 0.5:
                ordinals = [f"{n}{d}" for n in (1, 2, 4, -1, -2) for d in days]
                by.append("BYDAY=" + some(ordinals))
            else:
                by.append("BYDAY=" + some(days, 5))
        if zone and dice.random() < 0.2:
            by.append("BYHOUR=" + some(range(24)))
        # dateutil counts positions in a first week from DTSTART on, not whole;
        # and it looks for the second of a day's one occurrence until the end.
        if by and freq in ("MONTHLY", "YEARLY") and dice.random() < 0.3:
            by.append("BYSETPOS=" + some([1, 2, -1, -2]))
        day = dt.date(2026, 1, 1) + dt.timedelta(days=dice.randint(0, 700))
        start = day.isoformat()
        if zone:
            start += f"T{dice.randint(0, 23):02}:{dice.choice([0, 15, 30]):02}:00"
        yield zone, start, ["RRULE:" + ";".join(parts + by)]


def call(method, path, body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, (path, body, text)
    return json.loads(text)


def expected(zone, start, lines, last):
    """Instants (or days) by dateutil, up to `last`."""
    tz = zoneinfo.ZoneInfo(zone) if zone else None

    def instant(naive):
        return naive.replace(tzinfo=tz).astimezone(UTC) if tz else naive.date()

    def values(line):
        head, _, text = line.partition(":")
        own = tz
        for param in head.split(";")[1:]:
            name, _, value = param.partition("=")
            own = zoneinfo.ZoneInfo(value) if name == "TZID" else own
        for one in text.split(","):
            if len(one) == 8:
                yield dt.datetime.strptime(one, "%Y%m%d").date()
            elif one.endswith("Z"):
                yield dt.datetime.strptime(one, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            else:
                local = dt.datetime.strptime(one, "%Y%m%dT%H%M%S")
                yield local.replace(tzinfo=own).astimezone(UTC)

    first = dt.datetime.fromisoformat(start)
    out = set()
    for line in lines:
        if line.startswith("RRULE:"):
            until = [p[6:] for p in line[6:].split(";") if p.startswith("UNTIL=")]
            rule = ";".join(p for p in line[6:].split(";") if not p.startswith("UNTIL="))
            limit = next(values("X:" + until[0])) if until else None
            for naive in rrulestr(rule, dtstart=first).replace(until=last):
                at = instant(naive)
                if limit is not None and at > limit:
                    break
                out.add(at)
        elif line.startswith("RDATE"):
            out.update(values(line))
    for line in lines:
        if line.startswith("EXDATE"):
            out.difference_update(values(line))
    return sorted(out)


def found(event, token, last):
    path = f"/calendar/v3/calendars/primary/events/{event}/instances"
    page = call("GET", f"{path}?maxResults=2500&timeZone=UTC&timeMax={last:%Y-%m-%dT00:00:00Z}", token=token)
    assert "nextPageToken" not in page
    for item in page["items"]:
        start = item["start"]
        if "date" in start:
            yield dt.date.fromisoformat(start["date"])
        else:
            yield dt.datetime.fromisoformat(start["dateTime"].replace("Z", "+00:00"))


def main():
    token = call("POST", "/_sim/token", {"account": ACCOUNT, "scopes": ["calendar"]})["accessToken"]
    # Random rules need not hit their own start.
    call("POST", "/_sim/knobs", {"strict": False})
    last = dt.datetime(2036, 1, 1)
    wrong = 0
    cases = CASES + list(random_cases(200, 20261122))
    for zone, start, lines in cases:
        if zone:
            time = {"dateTime": start, "timeZone": zone}
            body = {"start": time, "end": time}
        else:
            end = dt.date.fromisoformat(start) + dt.timedelta(days=1)
            body = {"start": {"date": start}, "end": {"date": end.isoformat()}}
        body["recurrence"] = lines
        edit = {"account": ACCOUNT, "calendar": "primary", "op": "insert", "body": body}
        event = call("POST", "/_sim/as-user", edit)
        theirs = expected(zone, start, lines, last)
        ours = sorted(found(event["id"], token, last))
        if ours != theirs:
            wrong += 1
            print(zone, start, lines, "\n  simulator:", ours[:6], "\n  dateutil: ", theirs[:6])
    assert wrong == 0, f"{wrong} of {len(cases)} differ"
    print(f"{len(cases)} cases agree")


main()
