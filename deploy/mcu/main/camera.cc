#include "camera.h"

#include "sdkconfig.h"

#if CONFIG_CLASSIFIER_CAMERA_NONE

edgetl::Fault start_camera() { return "no camera is chosen in menuconfig"; }

edgetl::Fault classify_camera(edgetl::Prediction*) { return start_camera(); }

#else

#include "esp_camera.h"

edgetl::Fault start_camera() {
  camera_config_t config = {};
#if CONFIG_CLASSIFIER_CAMERA_S3_EYE
  const int data[] = {11, 9, 8, 10, 12, 18, 17, 16};
  config.pin_pwdn = -1;
  config.pin_xclk = 15;
  config.pin_sccb_sda = 4;
  config.pin_sccb_scl = 5;
  config.pin_vsync = 6;
  config.pin_href = 7;
  config.pin_pclk = 13;
#else  // AI-Thinker
  const int data[] = {5, 18, 19, 21, 36, 39, 34, 35};
  config.pin_pwdn = 32;
  config.pin_xclk = 0;
  config.pin_sccb_sda = 26;
  config.pin_sccb_scl = 27;
  config.pin_vsync = 25;
  config.pin_href = 23;
  config.pin_pclk = 22;
#endif
  config.pin_reset = -1;
  config.pin_d0 = data[0];
  config.pin_d1 = data[1];
  config.pin_d2 = data[2];
  config.pin_d3 = data[3];
  config.pin_d4 = data[4];
  config.pin_d5 = data[5];
  config.pin_d6 = data[6];
  config.pin_d7 = data[7];
  config.xclk_freq_hz = 20000000;
  config.ledc_timer = LEDC_TIMER_0;
  config.ledc_channel = LEDC_CHANNEL_0;
  config.pixel_format = PIXFORMAT_RGB565;
#if CONFIG_SPIRAM
  config.frame_size = FRAMESIZE_QVGA;
  config.fb_location = CAMERA_FB_IN_PSRAM;
#else
  config.frame_size = FRAMESIZE_QQVGA;  // 38 KB
  config.fb_location = CAMERA_FB_IN_DRAM;
#endif
  config.fb_count = 1;
  config.grab_mode = CAMERA_GRAB_WHEN_EMPTY;
  return esp_camera_init(&config) == ESP_OK ? nullptr : "the camera does not start";
}

edgetl::Fault classify_camera(edgetl::Prediction* prediction) {
  camera_fb_t* taken = esp_camera_fb_get();
  if (!taken) return "the camera gives no image";
  const edgetl::Frame frame = {taken->buf, static_cast<int>(taken->width), static_cast<int>(taken->height),
                               edgetl::Pixels::kRgb565BigEndian};
  const edgetl::Fault fault = edgetl::classify(frame, prediction);
  esp_camera_fb_return(taken);
  return fault;
}

#endif
