import { getCountries, getCountryCallingCode } from "libphonenumber-js/max";
import { countryOf, isCountry } from "../phone-number.ts";
import { zonesByAreaCode } from "./area-codes.ts";

/**
 * The time zones that somebody with this number, in E.164, may live in: those of the area code in North America, else all of the
 * country, or of those of its calling code. None where the country is not known.
 */
export function zonesOfNumber(number: string): readonly string[] {
  const areaCode = /^\+1(\d{3})\d{7}$/.exec(number)?.[1];
  return zonesByAreaCode.get(areaCode ?? "") ?? zonesOfCountry(countryOf(number) ?? "");
}

const known = new Map<string, readonly string[]>();

/** Of all countries of a calling code, where that is all that is known. */
function zonesOfCountry(country: string): readonly string[] {
  const countries = isCountry(country)
    ? [country]
    : getCountries().filter((each) => getCountryCallingCode(each) === country);
  const zones = known.get(country) ?? [
    ...new Set(countries.flatMap((region) => readZones(new Intl.Locale("und", { region })))),
  ];
  known.set(country, zones);
  return zones;
}

/** A method since https://tc39.es/proposal-intl-locale-info, and a property in Node.js 20. */
const readZones = (
  locale: Intl.Locale & { getTimeZones?: () => string[] | undefined; timeZones?: string[] },
): readonly string[] => locale.getTimeZones?.() ?? locale.timeZones ?? [];
