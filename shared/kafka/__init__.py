"""The log on Kafka. The only importer of aiokafka.

Readers commit nothing to Kafka: the cursor lies beside what was folded.
"""

from shared.kafka.log import KafkaLog
from shared.kafka.security import security_of

__all__ = ["KafkaLog", "security_of"]
