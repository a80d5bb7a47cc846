"""Google's own Python client against the simulator.

Usage: python google_client.py http://127.0.0.1:PORT
Ends with status 0 when every step went as with Google.
"""

import json
import sys
import urllib.request

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

BASE = sys.argv[1]
ACCOUNT = "ada@example.com"


def control(name, body):
    request = urllib.request.Request(
        f"{BASE}/_sim/{name}", json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def refused(status, reason, call):
    try:
        call.execute()
    except HttpError as error:
        errors = json.loads(error.content)["error"]["errors"]
        found = (error.status_code, errors[0]["reason"])
        assert found == (status, reason), found
    else:
        raise AssertionError(f"not refused: {reason}")


def synced(events, **query):
    """All pages of a list: the items, the sync token and the number of pages."""
    items, pages = [], 0
    request = events.list(calendarId="primary", **query)
    while request is not None:
        page = request.execute()
        items += page["items"]
        pages += 1
        token = page.get("nextSyncToken")
        request = events.list_next(request, page)
    assert token
    return items, token, pages


def main():
    scopes = ["calendar.events", "calendar.calendarlist.readonly"]
    token = control("token", {"account": ACCOUNT, "scopes": scopes})["accessToken"]
    service = build(
        "calendar",
        "v3",
        credentials=Credentials(token=token),
        client_options={"api_endpoint": f"{BASE}/calendar/v3/"},
        static_discovery=True,
    )
    events = service.events()

    listed = service.calendarList().list().execute()
    assert [entry["id"] for entry in listed["items"]] == [ACCOUNT]
    refused(403, "insufficientPermissions", service.settings().list())

    # Insert, get, patch, update.
    zone = "America/New_York"
    body = {
        "id": "abcdef",
        "summary": "Täglich \N{TEACUP WITHOUT HANDLE}",
        "start": {"dateTime": "2026-11-09T10:00:00", "timeZone": zone},
        "end": {"dateTime": "2026-11-09T11:00:00", "timeZone": zone},
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"],
        "extendedProperties": {"private": {"uid": "1"}},
    }
    made = events.insert(calendarId="primary", sendUpdates="none", body=body).execute()
    assert made["summary"] == body["summary"]
    assert events.get(calendarId=ACCOUNT, eventId="abcdef").execute() == made
    refused(409, "duplicate", events.insert(calendarId="primary", body=body))
    refused(400, "invalid", events.insert(calendarId="primary", body={**body, "id": "Bad!"}))
    refused(404, "notFound", events.get(calendarId="primary", eventId="nothere"))

    _, token, _ = synced(events)
    patched = events.patch(
        calendarId="primary", eventId="abcdef", body={"summary": "New", "location": "Hall"}
    ).execute()
    assert patched["etag"] != made["etag"]
    stale = events.patch(calendarId="primary", eventId="abcdef", body={"summary": "Lost"})
    stale.headers["If-Match"] = made["etag"]
    refused(412, "conditionNotMet", stale)
    updated = events.update(
        calendarId="primary", eventId="abcdef", body={**patched, "description": "Text"}
    ).execute()
    assert updated["description"] == "Text" and updated["location"] == "Hall"

    # Instances: one changed, one cancelled.
    page = events.instances(calendarId="primary", eventId="abcdef").execute()
    ids = [item["id"] for item in page["items"]]
    assert ids[0] == "abcdef_20261109T150000Z" and len(ids) == 5
    moved = events.patch(calendarId="primary", eventId=ids[1], body={"summary": "One"}).execute()
    assert moved["recurringEventId"] == "abcdef"
    assert events.delete(calendarId="primary", eventId=ids[2]).execute() == ""
    refused(410, "deleted", events.delete(calendarId="primary", eventId=ids[2]))

    # The increment has the master, the exception and the hole, each once.
    items, token, _ = synced(events, syncToken=token)
    assert sorted(item["id"] for item in items) == ["abcdef", ids[1], ids[2]]
    assert [item["status"] for item in items if item["id"] == ids[2]] == ["cancelled"]
    assert synced(events, syncToken=token)[0] == []
    refused(400, "badRequest", events.list(calendarId="primary", syncToken=token, q="x"))

    # Paging.
    control("knobs", {"pageCap": 2})
    items, _, pages = synced(events)
    assert len(items) == 3 and pages == 2

    # An import, a deletion, an expired token.
    imported = events.import_(
        calendarId="primary",
        body={
            "iCalUID": "foobar",
            "start": {"date": "2026-12-24"},
            "end": {"date": "2026-12-25"},
        },
    ).execute()
    assert imported["id"] == "_cpnmuoj1e8"
    events.delete(calendarId="primary", eventId="abcdef").execute()
    control("expire-tokens", None)
    refused(410, "fullSyncRequired", events.list(calendarId="primary", syncToken=token))
    items, _, _ = synced(events)
    assert [item["id"] for item in items] == ["_cpnmuoj1e8"]

    # An outage: the client sees it as Google's.
    control(
        "faults",
        {"match": {"method": "events.get"}, "do": {"kind": "status", "status": 503, "reason": "backendError"}},
    )
    refused(503, "backendError", events.get(calendarId="primary", eventId="abcdef"))
    service.close()


main()
