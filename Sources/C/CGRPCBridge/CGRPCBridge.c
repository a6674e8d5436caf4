#include "CGRPCBridge.h"
