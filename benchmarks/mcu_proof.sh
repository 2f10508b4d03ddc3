#!/usr/bin/env bash
# Compiles a program of `edgetl ship --target mcu` with TensorFlow Lite Micro's own C++ and its reference kernels, and runs the self-test: here, or
# on an emulated Cortex-M4. The tests have its predictions from the Python package alone.
# Usage: benchmarks/mcu_proof.sh APP CHECKOUT [host|arm]     CHECKOUT: of github.com/espressif/esp-tflite-micro, which holds all that it needs
# host needs g++; arm needs gcc-arm-none-eabi, libstdc++-arm-none-eabi-newlib and qemu-system-arm. Minutes the first time; objects stay in build/tflm.
set -euo pipefail

app=$(realpath "$1") checkout=$(realpath "$2") machine=${3:-host}
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
stubs=$project/tests/ship/targets/mcu_stubs part=$app/components/edgetl_classifier objects=$project/build/tflm/$machine
mkdir -p "$objects/app"

compiler=(g++ -O2) link=() start=()
if [ "$machine" = arm ]; then
    compiler=(arm-none-eabi-g++ -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Os -fno-threadsafe-statics)
    link=(--specs=rdimon.specs -Wl,--gc-sections -T "$stubs/arm.ld")
    start=(qemu-system-arm -M mps2-an386 -nographic -semihosting -kernel)
fi
includes=()
for folder in . third_party/flatbuffers/include third_party/gemmlowp third_party/ruy; do includes+=(-isystem "$checkout/$folder"); done
flags=(-std=c++17 -fno-exceptions -fno-rtti -ffunction-sections -fdata-sections -DTF_LITE_STATIC_MEMORY "${includes[@]}")

# compile FLAG... OBJECT SOURCE
compile() { [ "${@: -2:1}" -nt "${@: -1}" ] || nice "${compiler[@]}" "${@:1:$#-2}" -o "${@: -2:1}" -c "${@: -1}"; }

cd "$checkout/tensorflow"
kernels="activations add concatenation conv depthwise dequantize fully_connected hard_swish kernel_util logistic maximum micro_tensor
    mul pad pooling quantize reduce reshape resize_bilinear softmax squeeze strided_slice sub transpose"
files=(lite/micro/*.cc lite/micro/{memory_planner,arena_allocator,tflite_bridge}/*.cc lite/kernels/kernel_util.cc lite/core/c/common.cc
    lite/core/api/*.cc lite/kernels/internal/*.cc lite/kernels/internal/reference/*.cc compiler/mlir/lite/core/api/error_reporter.cc
    compiler/mlir/lite/schema/schema_utils.cc)
for name in $kernels; do files+=(lite/micro/kernels/"$name"*.cc); done
for file in "${files[@]}"; do
    [[ $file == *test* || $file == *mock* || $file == *fake* ]] || compile -w "${flags[@]}" "$objects/${file//\//_}.o" "$file"
done
own=("$part"/src/*.cc "$part"/generated/edgetl/*.cc "$stubs/programs/prove.cc")
[ "$machine" = host ] || own+=("$stubs/start.cc")
rm -f "$objects"/app/*
for file in "${own[@]}"; do
    compile -Wall -Wextra -Werror -I"$part/include" -I"$part/generated" -I"$part/src" "${flags[@]}" "$objects/app/$(basename "$file").o" "$file"
done
rm -f "$objects/libtflm.a"
ar rcs "$objects/libtflm.a" "$objects"/*.o
"${compiler[@]}" "$objects"/app/*.o "$objects/libtflm.a" "${link[@]}" -o "$objects/app/program"
cd "$objects/app"
"${start[@]}" ./program
