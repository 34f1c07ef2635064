// Sends temperature and light once a second; the host answers each row with what it predicts, and the LED on pin 13
// lights when that is too warm, or when the host finds the row strange (an alarm).
//
// Wiring: a TMP36 (+ to 5 V, - to GND, middle to A0); a photoresistor from 5 V to A1 and 10 kOhm from A1 to GND.

#include <EEPROM.h>
#include <Edgegrad.h>

const float TOO_WARM_DEGC = 30.0f;
const uint8_t LED = 13;

const eg_column COLUMNS[] EG_FLASH = {
  {"temp_degC", "degC", EG_F32, 1, 0, false},
  {"light", "", EG_F32, 1, 0, false},  // 0 dark to 1
};
const char FIRMWARE[] EG_FLASH = "environment 1";

Edgegrad edgegrad(Serial, COLUMNS, FIRMWARE);
uint32_t periodUs = 1000000;
uint32_t nextUs;

void act(const eg_output &output) {
  if (output.is_warming_up || output.count == 0) return;
  const bool isOn = output.is_alarm || eg_output_value(&output, 0) > TOO_WARM_DEGC;
  digitalWrite(LED, isOn ? HIGH : LOW);
}

// The host may ask for another period; these sensors have nothing new to say in less than 0.1 s.
uint32_t setRate(uint32_t wantedUs) {
  periodUs = wantedUs < 100000 ? 100000 : wantedUs;
  return periodUs;
}

void setup() {
  pinMode(LED, OUTPUT);
  Serial.begin(115200);
  uint32_t boot;
  EEPROM.get(0, boot);
  EEPROM.put(0, ++boot);
  edgegrad.onOutput(act);
  edgegrad.onRate(setRate);
  edgegrad.begin(boot, periodUs);
  nextUs = micros();
}

void loop() {
  edgegrad.poll();
  if (static_cast<int32_t>(micros() - nextUs) < 0) return;
  nextUs += periodUs;
  const float volts = analogRead(A0) * (5.0f / 1024.0f);
  const float row[2] = {(volts - 0.5f) * 100.0f, analogRead(A1) / 1023.0f};
  edgegrad.send(row);
}
