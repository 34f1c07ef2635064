// Prints a header and one row of comma-separated numbers every 100 ms, each line with a checksum.
// The rules for lines: firmware-bridge/protocol/text.md. Works on any board with an analog input.

const unsigned long BAUD_RATE = 115200;
const unsigned long PERIOD_MS = 100;
const uint8_t SENSOR_PIN = A0;
const uint8_t REFERENCE_PIN = A1;

// Without a checksum a flipped bit can pass as a good number. False prints plain CSV.
const bool WITH_CHECKSUM = true;

// Passes what is printed on to another port and keeps the exclusive or of its bytes, line by line.
class LinePrint : public Print {
 public:
  explicit LinePrint(Print &port) : port_(port), checksum_(0) {}

  size_t write(uint8_t byte) override {
    checksum_ ^= byte;
    return port_.write(byte);
  }

  // Ends the line: "*hh" and a line feed.
  void endLine() {
    if (WITH_CHECKSUM) {
      const uint8_t checksum = checksum_;
      port_.write('*');
      port_.write(hexDigit(checksum >> 4));
      port_.write(hexDigit(checksum & 0x0F));
    }
    port_.write('\n');
    checksum_ = 0;
  }

  using Print::write;

 private:
  static uint8_t hexDigit(uint8_t value) {
    return value < 10 ? '0' + value : 'A' + (value - 10);
  }

  Print &port_;
  uint8_t checksum_;
};

LinePrint line(Serial);
unsigned long nextMs = 0;

// Seconds with three decimals, from integers: a float would lose the milliseconds after a few hours.
void printSeconds(unsigned long ms) {
  const unsigned long rest = ms % 1000;
  line.print(ms / 1000);
  line.print(rest < 10 ? F(".00") : rest < 100 ? F(".0") : F("."));
  line.print(rest);
}

void setup() {
  Serial.begin(BAUD_RATE);
  Serial.write('\n');  // ends whatever the host has heard of an earlier line
  line.print(F("t_s,sensor_V,reference_V"));
  line.endLine();
  nextMs = millis();
}

void loop() {
  const unsigned long nowMs = millis();
  if (static_cast<long>(nowMs - nextMs) < 0) return;  // right also when millis() starts again at 0, after 49 days
  nextMs += PERIOD_MS;

  const float volts = 5.0f / 1023.0f;
  printSeconds(nowMs);
  line.print(',');
  line.print(analogRead(SENSOR_PIN) * volts, 4);
  line.print(',');
  line.print(analogRead(REFERENCE_PIN) * volts, 4);
  line.endLine();
}
