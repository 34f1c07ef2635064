"""Checks payloads of MQTT device discovery as Home Assistant does: fields, their kinds and units, templates.

Reads one JSON object a line, {"config": payload, "cases": [{"template": t, "value": v, "expected": e}]}; prints what is
wrong and ends with 1. Fields are those of Home Assistant's MQTT integration; keys that it does not know are refused.
"""
import json
import re
import sys

import jinja2
import voluptuous as vol
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Units that Home Assistant accepts for a kind of sensor.
UNITS = {
    "temperature": {"°C", "°F", "K"},
    "pressure": {"Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mPa", "mmHg", "inHg", "psi", "inH₂O"},
    "voltage": {"V", "mV", "µV", "kV", "MV"},
    "current": {"A", "mA"},
    "power": {"mW", "W", "kW", "MW", "GW", "TW"},
    "apparent_power": {"mVA", "VA", "kVA"},
    "reactive_power": {"mvar", "var", "kvar"},
    "illuminance": {"lx"},
    "frequency": {"Hz", "kHz", "MHz", "GHz"},
    "speed": {"ft/s", "in/d", "in/h", "in/s", "km/h", "kn", "m/s", "mph", "mm/d", "mm/s", "m/min", "Beaufort"},
    "distance": {"km", "m", "cm", "mm", "mi", "nmi", "yd", "ft", "in"},
    "duration": {"d", "h", "min", "s", "ms", "µs"},
    "weight": {"kg", "g", "mg", "µg", "oz", "lb", "st"},
    "sound_pressure": {"dB", "dBA"},
    "signal_strength": {"dB", "dBm"},
    "volume_flow_rate": {"m³/h", "m³/min", "m³/s", "ft³/min", "L/h", "L/min", "L/s", "gal/min", "mL/s"},
    "conductivity": {"S/cm", "mS/cm", "µS/cm"},
    "irradiance": {"W/m²", "BTU/(h⋅ft²)"},
}
BINARY_KINDS = {"problem", "connectivity"}
environment = ImmutableSandboxedEnvironment(undefined=jinja2.Undefined)


def template(value):
    try:
        environment.from_string(vol.Schema(str)(value))
    except jinja2.TemplateError as error:
        raise vol.Invalid(f"template {value!r}: {error}")
    return value


def topic(value):
    text = vol.Schema(str)(value)
    if not text or len(text.encode()) > 65535 or re.search(r"[+#\x00-\x1f\x7f-\x9f]", text):
        raise vol.Invalid(f"topic {text!r}")
    return text


def url(value):
    if not re.match(r"^(https?|homeassistant)://[^\s/]+", vol.Schema(str)(value)):
        raise vol.Invalid(f"URL {value!r}")
    return value


AVAILABILITY = {
    vol.Optional("availability"): [{vol.Required("topic"): topic, vol.Optional("value_template"): template,
                                    vol.Optional("payload_available"): str, vol.Optional("payload_not_available"): str}],
    vol.Optional("availability_mode"): vol.In({"all", "any", "latest"}),
}
ENTITY = {
    vol.Required("p"): str,
    vol.Required("unique_id"): vol.All(str, vol.Length(min=1)),
    vol.Optional("name"): vol.Any(str, None),
    vol.Optional("enabled_by_default"): bool,
    vol.Optional("entity_category"): vol.In({"config", "diagnostic"}),
    vol.Optional("qos"): vol.In({0, 1, 2}),
    **AVAILABILITY,
}
READ = {vol.Required("state_topic"): topic, vol.Optional("value_template"): template,
        vol.Optional("expire_after"): vol.All(int, vol.Range(min=0))}


def unit_of_kind(part):
    kind = part.get("device_class")
    if kind is not None and part.get("unit_of_measurement") not in UNITS[kind]:
        raise vol.Invalid(f"unit {part.get('unit_of_measurement')!r} is none of {kind}")
    return part


PARTS = {
    "sensor": vol.All(vol.Schema({
        **ENTITY, **READ,
        vol.Optional("device_class"): vol.In(set(UNITS)),
        vol.Optional("state_class"): vol.In({"measurement", "total", "total_increasing"}),
        vol.Optional("unit_of_measurement"): vol.All(str, vol.Length(min=1)),
        vol.Optional("suggested_display_precision"): vol.All(int, vol.Range(min=0)),
    }), unit_of_kind),
    "binary_sensor": vol.Schema({**ENTITY, **READ, vol.Optional("device_class"): vol.In(BINARY_KINDS)}),
    "switch": vol.Schema({**ENTITY, **READ, vol.Required("command_topic"): topic}),
    "button": vol.Schema({**ENTITY, vol.Required("command_topic"): topic, vol.Optional("payload_press"): str}),
}


def part(value):
    kind = value.get("p")
    if kind not in PARTS:
        raise vol.Invalid(f"part {kind!r}")
    return PARTS[kind](value)


DEVICE = vol.Schema({
    vol.Required("dev"): {vol.Required("ids"): [str], vol.Required("name"): str, "mf": str, "mdl": str, "sw": str,
                          vol.Optional("configuration_url"): url},
    vol.Required("o"): {vol.Required("name"): str, "sw": str, "url": url},
    vol.Required("cmps"): {vol.Match(r"^[a-zA-Z0-9_-]+$"): part},
    vol.Optional("qos"): vol.In({0, 1, 2}),
    **AVAILABILITY,
})

count = 0
wrong = 0
for line in sys.stdin:
    message = json.loads(line)
    count += 1
    try:
        DEVICE(message["config"])
        for case in message["cases"]:
            found = environment.from_string(case["template"]).render(value_json=case["value"])
            if found != case["expected"]:
                raise vol.Invalid(f"{case['template']}: found {found!r}, expected {case['expected']!r}")
    except vol.Invalid as error:
        wrong += 1
        print(f"payload {count}: {error}")
print(f"{count} payloads, {wrong} wrong")
sys.exit(1 if wrong or not count else 0)
