"""Passwords of phones: made for the embedded engine alone, by those who may give extensions."""

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem

pytestmark = pytest.mark.asyncio


async def test_the_phone_of_a_pbx_gets_its_password_there(api: Api) -> None:
    root = await api.caller(Role.ADMIN)
    anna = api.site.users["anna"]

    await problem(await root.put(f"users/{anna}/extensions/pbx1/101/phone"), 409, "conflict")
    await problem(await root.put(f"users/{anna}/extensions/embedded/101/phone"), 404, "not-found")


async def test_a_manager_makes_no_passwords(api: Api) -> None:
    manager = await api.caller(Role.MANAGER, "anna")

    await problem(await manager.put(f"users/{api.site.users['anna']}/extensions/pbx1/101/phone"), 403, "not-allowed")
