export { MqttOutput } from './output.js';
