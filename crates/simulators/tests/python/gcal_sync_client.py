"""gcal-sync, Home Assistant's client, against the simulator.

Usage: python gcal_sync_client.py http://127.0.0.1:PORT
Ends with status 0 when full and incremental syncs bring what is there.
"""

import asyncio
import datetime
import sys

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.auth import AbstractAuth
from gcal_sync.exceptions import ApiException, ApiForbiddenException, AuthException
from gcal_sync.model import DateOrDatetime, Event
from gcal_sync.store import InMemoryCalendarStore
from gcal_sync.sync import CalendarEventSyncManager, CalendarListSyncManager

BASE = sys.argv[1]
ACCOUNT = "ada@example.com"


class Auth(AbstractAuth):
    token = ""

    async def async_get_access_token(self):
        return self.token


async def refused(kind, call):
    try:
        await call
    except kind:
        return
    raise AssertionError(f"not refused: {kind}")


async def main():
    async with aiohttp.ClientSession() as session:

        async def control(name, body):
            async with session.post(f"{BASE}/_sim/{name}", json=body) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

        auth = Auth(session, f"{BASE}/calendar/v3")
        service = GoogleCalendarService(auth)
        await refused(AuthException, service.async_list_calendars())
        order = {"account": ACCOUNT, "scopes": ["calendar"]}
        auth.token = (await control("token", order))["accessToken"]

        # The calendar list, full and incremental.
        store = InMemoryCalendarStore()
        calendars = CalendarListSyncManager(service, store)
        await calendars.run()
        await calendars.run()
        listed = await calendars.store_service.async_list_calendars()
        assert [(c.id, c.primary) for c in listed.calendars] == [(ACCOUNT, True)]
        assert (await service.async_get_calendar("primary")).timezone == "Europe/Berlin"

        # Events of each kind, made by the client.
        berlin = datetime.timezone(datetime.timedelta(hours=1))
        start = datetime.datetime(2026, 11, 9, 10, tzinfo=berlin)

        def at(moment):
            return DateOrDatetime(date_time=moment, timezone="Europe/Berlin")

        hour = datetime.timedelta(hours=1)
        await service.async_create_event(
            "primary", Event(id="single", summary="One", start=at(start), end=at(start + hour))
        )
        await service.async_create_event(
            "primary",
            Event(
                id="series",
                summary="Each week",
                start=at(start),
                end=at(start + hour),
                recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"],
            ),
        )
        await service.async_create_event(
            "primary",
            Event(
                id="allda0",
                summary="Day",
                start=DateOrDatetime(date=datetime.date(2026, 11, 12)),
                end=DateOrDatetime(date=datetime.date(2026, 11, 13)),
            ),
        )
        bad = Event(id="Bad!", summary="x", start=at(start), end=at(start + hour))
        await refused(ApiException, service.async_create_event("primary", bad))
        fetched = await service.async_get_event("primary", "series")
        assert fetched.recurrence == ["RRULE:FREQ=WEEKLY;COUNT=4"]

        # A full sync in pages, then what a reader sees.
        await control("knobs", {"pageCap": 2})
        manager = CalendarEventSyncManager(service, "primary", InMemoryCalendarStore())
        await manager.run()

        async def timeline():
            line = await manager.store_service.async_get_timeline()
            return sorted(
                (event.start.value.isoformat()[:10], event.summary)
                for event in line.overlapping(
                    datetime.datetime(2026, 11, 1, tzinfo=berlin),
                    datetime.datetime(2027, 1, 1, tzinfo=berlin),
                )
            )

        weeks = [(f"2026-11-{day:02}", "Each week") for day in (9, 16, 23, 30)]
        assert await timeline() == sorted([("2026-11-09", "One"), ("2026-11-12", "Day"), *weeks])

        # An incremental sync: one instance changed, one gone, one event deleted.
        await service.async_patch_event("primary", "series_20261116T090000Z", {"summary": "Other"})
        await service.async_delete_event("primary", "series_20261123T090000Z")
        await service.async_delete_event("primary", "single")
        await manager.run()
        expected = [
            ("2026-11-09", "Each week"),
            ("2026-11-12", "Day"),
            ("2026-11-16", "Other"),
            ("2026-11-30", "Each week"),
        ]
        assert await timeline() == expected, await timeline()

        # A dead token: the manager starts over by itself.
        await control("expire-tokens", None)
        await service.async_delete_event("primary", "allda0")
        await manager.run()
        expected.remove(("2026-11-12", "Day"))
        assert await timeline() == expected, await timeline()

        # Less scope than needed.
        order = {"account": ACCOUNT, "scopes": ["calendar.events"]}
        auth.token = (await control("token", order))["accessToken"]
        await refused(ApiForbiddenException, service.async_list_calendars())


asyncio.run(main())
