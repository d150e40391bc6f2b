"""What `serve` of a container built with the toolkit does. Its configuration goes elsewhere than /etc."""

import os

from sagemaker_inference import model_server

model_server.MMS_CONFIG_FILE = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "mms.properties")
model_server.start_model_server(handler_service="toolkit_handler")
