#pragma once
extern "C" void vTaskDelay(const TickType_t xTicksToDelay);
