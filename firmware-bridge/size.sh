#!/bin/sh
# Bytes per function and totals, for each cross-compiler there is. `make size` runs it.
#
# What counts: a program that does nothing but eg_init, eg_poll and eg_send_row (test/size.c), linked with unused
# functions left out. Flash is all functions and tables but its own: also memcpy and the like. RAM is eg_device and
# eg_config; tx and rx are the caller's, and so is the stack.
set -eu
cd "$(dirname "$0")"
out=${BUILD:-build}/size
mkdir -p "$out"

# name, compiler and its flags, prefix of its tools
measure() {
  name=$1 tools=$3
  compiler="$2 -std=c99 -Os -ffunction-sections -fdata-sections"
  command -v "${2%% *}" >/dev/null || { echo "$name: no ${2%% *} here"; return; }
  echo "$name"
  echo "  bytes  function"
  for source in src/eg_*.c; do $compiler -c "$source" -o "$out/$(basename "$source").o"; done
  "$tools"nm -S "$out"/eg_*.o | awk '$3 ~ /^[tT]$/ && $4 ~ /./ { print $2, $4 }' | while read -r size symbol; do
    printf '  %5d  %s\n' "0x$size" "$symbol"
  done | sort -k1,1nr -k2
  for kind in rows floats; do
    define=""
    [ "$kind" = floats ] && define=-DFLOATS
    $compiler $define test/size.c src/eg_*.c $4 -Wl,--gc-sections -o "$out/$kind.elf"
    "$tools"nm -S "$out/$kind.elf" | awk '$4 ~ /^(main|now_us|write_bytes|on_output|columns|firmware)$/ { next }
      $3 ~ /^[tTrR]$/ { print $2 }' | { sum=0; while read -r size; do sum=$((sum + 0x$size)); done; echo $sum; } >"$out/$kind"
  done
  ram=$("$tools"nm -S "$out/rows.elf" | awk '$4 == "device" || $4 == "config" { print $2 }' |
    { sum=0; while read -r size; do sum=$((sum + 0x$size)); done; echo $sum; })
  printf '  total: %d bytes of flash, %d of RAM; with eg_send_floats %d of flash\n' "$(cat "$out/rows")" "$ram" "$(cat "$out/floats")"
}

measure "ATmega328P" "avr-gcc -mmcu=atmega328p" avr- ""
measure "Cortex-M0+" "arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb" arm-none-eabi- "--specs=nosys.specs"
