// The part of TensorFlowLiteCMetal 2.17 that the app uses (metal_delegate.h).
#pragma once
#include <stdbool.h>

#include "TensorFlowLiteC.h"

typedef enum { TFLGpuDelegateWaitTypePassive, TFLGpuDelegateWaitTypeActive } TFLGpuDelegateWaitType;
typedef struct {
    bool allow_precision_loss;
    TFLGpuDelegateWaitType wait_type;
    bool enable_quantization;
} TFLGpuDelegateOptions;
TFLGpuDelegateOptions TFLGpuDelegateOptionsDefault(void);
TfLiteDelegate* TFLGpuDelegateCreate(const TFLGpuDelegateOptions* options);
void TFLGpuDelegateDelete(TfLiteDelegate* delegate);
