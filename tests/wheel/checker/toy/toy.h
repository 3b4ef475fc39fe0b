#pragma once

__attribute__((visibility("default"))) int toy_answer(void);
