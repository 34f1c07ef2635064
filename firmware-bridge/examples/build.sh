#!/bin/sh
# Compiles every example as the Arduino IDE would for an Uno, and the Linux one. make examples sets ARDUINO and BUILD.
set -eu
cd "$(dirname "$0")/.."
: "${ARDUINO:=/usr/share/arduino/hardware/arduino/avr}" "${BUILD:=build}" "${CC:=cc}"
mkdir -p "$BUILD/examples"
root=$PWD

$CC -std=c99 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude examples/linux_host/linux_host.c src/eg_*.c \
  -o "$BUILD/examples/linux_host"
echo "linux_host: compiled"

if ! command -v avr-gcc >/dev/null || [ ! -d "$ARDUINO/cores/arduino" ]; then
  echo "no avr-gcc, or no Arduino core in $ARDUINO: the sketches were not compiled"
  exit 0
fi

machine="-mmcu=atmega328p -DF_CPU=16000000L -DARDUINO=10819 -DARDUINO_AVR_UNO -DARDUINO_ARCH_AVR"
sections="-Os -flto -ffunction-sections -fdata-sections"
# DECIMAL_DIG: WString.cpp uses it, and this compiler names it otherwise in C++.
cpp="-std=gnu++11 -fpermissive -fno-exceptions -fno-threadsafe-statics -DDECIMAL_DIG=__DECIMAL_DIG__ $sections $machine"
c="-std=gnu11 -fno-fat-lto-objects $sections $machine"
include="-I$ARDUINO/cores/arduino -I$ARDUINO/variants/standard -I$ARDUINO/libraries/EEPROM/src -I$root/src"

core="$BUILD/examples/core"
if [ ! -f "$core/core.a" ]; then
  mkdir -p "$core"
  for source in "$ARDUINO"/cores/arduino/*.S; do
    avr-gcc $machine $include -x assembler-with-cpp -c "$source" -o "$core/$(basename "$source").o"
  done
  for source in "$ARDUINO"/cores/arduino/*.c; do
    avr-gcc $c $include -w -c "$source" -o "$core/$(basename "$source").o"
  done
  for source in "$ARDUINO"/cores/arduino/*.cpp; do
    avr-g++ $cpp $include -w -c "$source" -o "$core/$(basename "$source").o"
  done
  avr-gcc-ar rcs "$core/core.a" "$core"/*.o
fi

mkdir -p "$BUILD/examples/library"
for source in src/*.c; do
  avr-gcc $c $include -Wall -Wextra -Werror -c "$source" -o "$BUILD/examples/library/$(basename "$source").o"
done

for sketch in examples/*/*.ino; do
  name=$(basename "$sketch" .ino)
  { echo '#include <Arduino.h>'; echo "#line 1 \"$sketch\""; cat "$sketch"; } >"$BUILD/examples/$name.cpp"
  avr-g++ $cpp $include -Wall -Wextra -Werror -c "$BUILD/examples/$name.cpp" -o "$BUILD/examples/$name.o"
  avr-gcc $sections $machine -fuse-linker-plugin -Wl,--gc-sections "$BUILD/examples/$name.o" "$BUILD"/examples/library/*.o "$core/core.a" \
    -lm -o "$BUILD/examples/$name.elf"
  avr-objcopy -O ihex -R .eeprom "$BUILD/examples/$name.elf" "$BUILD/examples/$name.hex"
  avr-size "$BUILD/examples/$name.elf" | awk -v name="$name" 'NR == 2 { printf "%s: %d bytes of flash, %d of RAM\n", name, $1 + $2, $2 + $3 }'
done
