"""How a PBX wants outside numbers dialled, where its dialplan knows them otherwise than as digits with country code.

Grown sites have an outside line by 9, or outbound routes for national numbers alone (8 and ten digits in Russia, 810
before foreign ones). Orders name a client by E.164; only what is sent to the PBX is written in this form, so that
permissions, limits, cards and figures compare one and the same number.
"""

from dataclasses import dataclass

import phonenumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class DialledForm:
    """What stands before a number that is dialled."""

    region: str = "ZZ"
    """ISO 3166 alpha-2 region whose numbers are national; ZZ: none."""
    prefix: str = ""
    """Before every outside number, such as 9."""
    national_prefix: str | None = None
    """Before a number of the region, in place of its country code, such as 8; None: it keeps the code."""
    international_prefix: str = ""
    """Before any other number's country code, such as 810 or 00."""

    def write(self, number: str) -> str:
        """How an outside number is dialled.

        Args:
            number: E.164 with its plus; anything else, such as a service number, gets the prefix alone.
        """
        digits = number.removeprefix("+")
        if not number.startswith("+"):
            return self.prefix + digits
        code = str(phonenumbers.country_code_for_region(self.region))
        if self.national_prefix is not None and digits.startswith(code):
            national = self.national_prefix + digits.removeprefix(code)
            # +7 10 48... would be 8 10 48..., a call abroad that nobody permitted: such a number keeps its code
            if not self.international_prefix or not national.startswith(self.international_prefix):
                return self.prefix + national
        return self.prefix + self.international_prefix + digits
