// A runtime that knows the golden images by heart: $REPLAY holds, one after the other, each image's bytes and its prediction's.
// Its first two numbers, int32, are the lengths of an image and of a prediction. It predictions an image that it does not know with zeros.
// There is no Neural Engine, and a GPU that predicts the first $WRONG images upside down.
#include "TensorFlowLiteC.h"
#include "TensorFlowLiteCCoreML.h"
#include "TensorFlowLiteCMetal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct TfLiteModel { int unused; };
struct TfLiteInterpreterOptions { size_t wrong; };
struct TfLiteInterpreter { TfLiteTensor input, output; size_t wrong; };

static unsigned char known[1 << 24];
static size_t known_bytes;
static int32_t lengths[2];

TfLiteModel* TfLiteModelCreateFromFile(const char* model_path) {
    FILE* model = fopen(model_path, "rb");
    FILE* replay = fopen(getenv("REPLAY"), "rb");
    if (!model || !replay || fread(lengths, 4, 2, replay) != 2) return NULL;
    known_bytes = fread(known, 1, sizeof known, replay);
    fclose(model);
    fclose(replay);
    return calloc(1, sizeof(TfLiteModel));
}

TfLiteInterpreter* TfLiteInterpreterCreate(const TfLiteModel* model, const TfLiteInterpreterOptions* options) {
    TfLiteInterpreter* made = calloc(1, sizeof *made);
    made->input = (TfLiteTensor){calloc(1, lengths[0]), lengths[0], kTfLiteUInt8};
    made->wrong = options->wrong;
    made->output = (TfLiteTensor){calloc(1, lengths[1]), lengths[1], kTfLiteUInt8};
    return made;
}

TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter* interpreter) {
    memset(interpreter->output.data, 0, lengths[1]);
    for (size_t at = 0; at < known_bytes; at += lengths[0] + lengths[1])
        if (!memcmp(known + at, interpreter->input.data, lengths[0]))
            for (int32_t class = 0; class < lengths[1]; class++) {
                int upside_down = at / (lengths[0] + lengths[1]) < interpreter->wrong;
                unsigned char found = known[at + lengths[0] + class];
                ((unsigned char*)interpreter->output.data)[class] = upside_down ? 255 - found : found;
            }
    return kTfLiteOk;
}

TfLiteStatus TfLiteTensorCopyFromBuffer(TfLiteTensor* tensor, const void* input_data, size_t input_data_size) {
    if (input_data_size != tensor->bytes) return kTfLiteError;
    memcpy(tensor->data, input_data, input_data_size);
    return kTfLiteOk;
}

void TfLiteModelDelete(TfLiteModel* model) { free(model); }
TfLiteInterpreterOptions* TfLiteInterpreterOptionsCreate(void) { return calloc(1, sizeof(TfLiteInterpreterOptions)); }
void TfLiteInterpreterOptionsDelete(TfLiteInterpreterOptions* options) { free(options); }
void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions* options, int32_t num_threads) {}
void TfLiteInterpreterOptionsAddDelegate(TfLiteInterpreterOptions* options, TfLiteDelegate* delegate) {
    if (delegate->data_) options->wrong = atoi(getenv("WRONG") ? getenv("WRONG") : "0");
}
void TfLiteInterpreterDelete(TfLiteInterpreter* interpreter) { free(interpreter); }
TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter* interpreter) { return kTfLiteOk; }
TfLiteTensor* TfLiteInterpreterGetInputTensor(const TfLiteInterpreter* interpreter, int32_t index) { return (TfLiteTensor*)&interpreter->input; }
const TfLiteTensor* TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter* interpreter, int32_t index) { return &interpreter->output; }
TfLiteType TfLiteTensorType(const TfLiteTensor* tensor) { return tensor->type; }
size_t TfLiteTensorByteSize(const TfLiteTensor* tensor) { return tensor->bytes; }
void* TfLiteTensorData(const TfLiteTensor* tensor) { return tensor->data; }
TfLiteXNNPackDelegateOptions TfLiteXNNPackDelegateOptionsDefault(void) { return (TfLiteXNNPackDelegateOptions){1, 0}; }
TfLiteDelegate* TfLiteXNNPackDelegateCreate(const TfLiteXNNPackDelegateOptions* options) { return calloc(1, sizeof(TfLiteDelegate)); }
void TfLiteXNNPackDelegateDelete(TfLiteDelegate* delegate) { free(delegate); }
TFLGpuDelegateOptions TFLGpuDelegateOptionsDefault(void) { return (TFLGpuDelegateOptions){false, TFLGpuDelegateWaitTypePassive, true}; }
TfLiteDelegate* TFLGpuDelegateCreate(const TFLGpuDelegateOptions* options) {
    TfLiteDelegate* made = calloc(1, sizeof *made);
    made->data_ = made;
    return made;
}
void TFLGpuDelegateDelete(TfLiteDelegate* delegate) { free(delegate); }
TfLiteDelegate* TfLiteCoreMlDelegateCreate(const TfLiteCoreMlDelegateOptions* options) { return NULL; }
void TfLiteCoreMlDelegateDelete(TfLiteDelegate* delegate) { free(delegate); }
