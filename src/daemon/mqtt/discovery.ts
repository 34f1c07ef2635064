import { hostname } from 'node:os';
import { isLoopback } from '../http-config.js';
import type { LiveTask } from '../live-task.js';
import { scoreOf, unitOf } from '../status.js';
import type { TaskTopics } from './topics.js';
import { homeUnit, templateText } from './units.js';

/** Identifiers of Home Assistant: letters, digits, `-` and `_`. */
const idOf = (text: string): string => text.replace(/[^\w-]+/g, '_');

export const discoveryTopic = (prefix: string, clientId: string, task: string): string =>
  `${prefix}/device/${idOf(`${clientId}_${task}`)}/config`;

/**
 * What Home Assistant is told of a task (MQTT device discovery, from 2024.11 on): one device, with a sensor for every
 * prediction, sensors for its scores, whether its port is open, a switch for learning and a button that saves.
 */
export function discovery(
  task: LiveTask,
  topics: TaskTopics,
  {
    clientId,
    availability,
    version,
    commands,
  }: {
    clientId: string;
    availability: string;
    version: string;
    commands: boolean;
  },
): object {
  const { config, stream } = task;
  const device = idOf(`${clientId}_${config.name}`);
  const { label, baselineLabel } = scoreOf(stream.report(), unitOf(config));
  const { unit } = homeUnit(unitOf(config));
  const sensor = (name: string, template: string, more: object = {}) => ({
    p: 'sensor',
    name,
    value_template: `{{ ${template} }}`,
    state_class: 'measurement',
    ...more,
  });
  // What the device's rows say is not there while the device is not.
  const ofDevice = {
    availability: [
      { topic: availability },
      { topic: topics.health, value_template: "{{ 'online' if value_json.connected else 'offline' }}" },
    ],
    availability_mode: 'all',
  };
  const ofHealth = { state_topic: topics.health };
  const diagnostic = { ...ofHealth, entity_category: 'diagnostic' };
  const components: Record<string, object> = {};
  const isClass = stream.task.kind === 'classify';
  stream.outputNames.forEach((name, i) => {
    const measured = stream.columns.find((column) => column.name === name.replace(/\+\d+$/, ''));
    const { unit: its, deviceClass } = homeUnit(isClass ? '' : (measured?.unit ?? ''));
    components[`prediction_${i}`] = sensor(
      `${name} predicted`,
      `(value_json.prediction or {}).get(${templateText(name)})`,
      {
        state_topic: topics.state,
        suggested_display_precision: 3,
        ...ofDevice,
        ...(its === '' ? {} : { unit_of_measurement: its }),
        ...(deviceClass === undefined ? {} : { device_class: deviceClass }),
        ...(isClass ? { enabled_by_default: false } : {}),
      },
    );
  });
  if (isClass) {
    components.class = {
      p: 'sensor',
      name: `${stream.task.targets[0]} predicted`,
      state_topic: topics.state,
      value_template: '{{ value_json.class }}',
      ...ofDevice,
    };
  }
  if (stream.task.kind === 'anomaly') {
    components.alarm = {
      p: 'binary_sensor',
      name: 'alarm',
      device_class: 'problem',
      state_topic: topics.state,
      value_template: "{{ 'ON' if 'alarm' in value_json.outcome else 'OFF' }}",
      ...ofDevice,
    };
  }
  const inUnit = unit === '' ? {} : { unit_of_measurement: unit };
  components.score = sensor(label, 'value_json.windowModel', {
    ...ofHealth,
    ...inUnit,
    suggested_display_precision: 3,
  });
  components.baseline = sensor(`${label} of the ${baselineLabel}`, 'value_json.windowBaseline', {
    ...ofHealth,
    ...inUnit,
    suggested_display_precision: 3,
  });
  components.skill = sensor('skill', 'value_json.skill', { ...ofHealth, suggested_display_precision: 3 });
  components.rate = sensor('rows', 'value_json.rowsPerSecond', { ...diagnostic, unit_of_measurement: '1/s' });
  components.quarantined = sensor('quarantined rows', 'value_json.quarantined', {
    ...diagnostic,
    state_class: 'total_increasing',
  });
  components.connected = {
    p: 'binary_sensor',
    name: 'device',
    device_class: 'connectivity',
    value_template: "{{ 'ON' if value_json.connected else 'OFF' }}",
    ...diagnostic,
  };
  if (commands) {
    components.learning = {
      p: 'switch',
      name: 'learning',
      state_topic: topics.learning,
      command_topic: `${topics.set}/learning`,
      entity_category: 'config',
    };
    components.save = {
      p: 'button',
      name: 'save',
      command_topic: `${topics.set}/save`,
      payload_press: 'save',
      entity_category: 'config',
    };
  }
  for (const [key, component] of Object.entries(components))
    Object.assign(component, { unique_id: `${device}_${key}` });
  return {
    dev: {
      ids: [device],
      name: config.name,
      mf: 'edgegrad',
      mdl: `${stream.task.kind} from ${stream.task.features.length} columns`,
      sw: version,
      ...pageOf(config),
    },
    o: { name: 'edgegrad', sw: version },
    cmps: components,
    availability: [{ topic: availability }],
    qos: 1,
  };
}

/** Where the page of the process is, if other machines reach it. */
function pageOf({ http }: LiveTask['config']): { configuration_url?: string } {
  if (http === undefined || http.port === 0 || isLoopback(http.host)) return {};
  const isAny = http.host === '0.0.0.0' || http.host === '::';
  const host = isAny ? hostname() : http.host.includes(':') ? `[${http.host}]` : http.host;
  return { configuration_url: `http://${host}:${http.port}/` };
}
