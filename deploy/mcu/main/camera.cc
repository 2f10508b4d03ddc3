#include "camera.h"

#include "sdkconfig.h"

#if CONFIG_CLASSIFIER_CAMERA_NONE

edgetl::Fault start_camera() { return "no camera is chosen in menuconfig"; }

edgetl::Fault classify_camera(edgetl::Prediction*) { return start_camera(); }

#else

#include "esp_camera.h"

namespace {

struct Pins {
  int pwdn, xclk, sccb_sda, sccb_scl, vsync, href, pclk, data[8];
};

#if CONFIG_CLASSIFIER_CAMERA_S3_EYE
constexpr Pins kPins = {-1, 15, 4, 5, 6, 7, 13, {11, 9, 8, 10, 12, 18, 17, 16}};
#else  // AI-Thinker
constexpr Pins kPins = {32, 0, 26, 27, 25, 23, 22, {5, 18, 19, 21, 36, 39, 34, 35}};
#endif

}  // namespace

edgetl::Fault start_camera() {
  camera_config_t config = {};
  config.pin_pwdn = kPins.pwdn;
  config.pin_xclk = kPins.xclk;
  config.pin_sccb_sda = kPins.sccb_sda;
  config.pin_sccb_scl = kPins.sccb_scl;
  config.pin_vsync = kPins.vsync;
  config.pin_href = kPins.href;
  config.pin_pclk = kPins.pclk;
  config.pin_reset = -1;
  config.pin_d0 = kPins.data[0];
  config.pin_d1 = kPins.data[1];
  config.pin_d2 = kPins.data[2];
  config.pin_d3 = kPins.data[3];
  config.pin_d4 = kPins.data[4];
  config.pin_d5 = kPins.data[5];
  config.pin_d6 = kPins.data[6];
  config.pin_d7 = kPins.data[7];
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
