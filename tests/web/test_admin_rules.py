"""The administrator's pages of rules: fields and outcomes, webhooks, goals, dialling."""

import re

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit, axe, shot
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_field_is_made_renamed_and_archived(day: Day, visit: Visit) -> None:
    page = await visit("root", "/admin/fields")
    await page.get_by_role("button", name="New field").first.click()
    await page.get_by_label("Label", exact=True).fill("Shoe size")
    await expect(page.get_by_label("Name for programs")).to_have_value("shoe_size")
    await page.get_by_role("button", name="Make it").click()
    fields = page.get_by_role("list", name="Clients' cards")
    await fields.get_by_role("button", name=re.compile("^Shoe size")).click()

    await page.get_by_label("Label", exact=True).fill("Size of shoes")
    await expect(fields.get_by_role("button", name=re.compile("^Size of shoes"))).to_be_visible()
    await shot(page, "fields-open")
    assert await axe(page) == []

    await page.get_by_role("button", name="Archive: Size of shoes").click()
    await expect(fields).to_contain_text("Archived")
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(page.get_by_role("button", name="Archive: Size of shoes")).to_be_visible()


async def test_an_outcome_is_labelled_in_three_languages(day: Day, visit: Visit) -> None:
    page = await visit("root", "/admin/fields?show=outcomes")
    outcomes = page.get_by_role("list", name="Outcomes of calls")
    await outcomes.get_by_role("button").first.click()

    await page.get_by_label("Label: English").fill("Went as we hoped")
    await expect(outcomes.get_by_role("button", name=re.compile("^Went as we hoped"))).to_be_visible()
    await expect(page.get_by_label("Label: Polski")).not_to_have_value("")
    await shot(page, "outcomes-open")
    assert await axe(page) == []


async def test_a_receiver_shows_its_secret_once_and_is_switched_off(day: Day, visit: Visit) -> None:
    page = await visit("root", "/admin/webhooks")
    await page.get_by_role("button", name="New receiver").first.click()
    await page.get_by_label("Address").fill("https://crm.example.com/hook")
    await page.get_by_role("button", name="Subscribe").click()
    await expect(page.get_by_text(re.compile("^whsec_"))).to_be_visible()

    receivers = page.get_by_role("list", name="Receivers")
    await receivers.get_by_role("button", name="https://crm.example.com/hook", expanded=False).click()
    await expect(page.get_by_text(re.compile("^whsec_"))).to_have_count(0)
    await page.get_by_role("button", name="Send a test").click()
    await page.get_by_role("list", name="Delivery log").get_by_role("button", name=re.compile("^webhook.test")).click()
    await shot(page, "webhooks-open")
    assert await axe(page) == []

    await page.get_by_role("button", name="Switch off: https://crm.example.com/hook").click()
    await expect(receivers).to_contain_text("Off")
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(receivers).to_contain_text("Active")


async def test_a_goal_is_made_and_changed_from_a_day_on(day: Day, visit: Visit) -> None:
    page = await visit("root", "/admin/goals")
    await page.get_by_role("button", name="New goal").first.click()
    await page.get_by_label("So many").fill("31")
    await page.get_by_label("Name").fill("Every day")
    await page.get_by_role("button", name="Make it").click()
    goals = page.get_by_role("list", name="What is wanted")
    await goals.get_by_role("button", name=re.compile("^Every day")).click()

    await page.get_by_label("So many").fill("32")
    await page.get_by_label("New values from this day on").fill("01/01/2099")
    await page.get_by_label("So many").focus()
    await expect(page.get_by_role("button", name="1 January 2099")).to_be_hidden()
    await shot(page, "goals-open")
    assert await axe(page) == []
    await page.get_by_role("button", name=re.compile("^Change from")).click()
    await expect(goals).to_contain_text("changes on")
    await expect(goals).to_contain_text("31")


async def test_a_number_is_tried_and_a_country_allowed(day: Day, visit: Visit) -> None:
    page = await visit("root", "/admin/dialling")
    await page.get_by_label("Number", exact=True).fill("+1 876 555 1234")
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.get_by_text("Refused", exact=True)).to_be_visible()

    await page.get_by_label("Begins with").fill("+4870")
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("list", name="Beginnings of numbers")).to_contain_text("+4870")
    await shot(page, "dialling-open", whole=True)
    assert await axe(page) == []
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(page.get_by_text("No beginning is treated apart.")).to_be_visible()

    await page.get_by_role("button", name="New exception").first.click()
    assert await axe(page) == []
