#include "CContractMessages.h"
