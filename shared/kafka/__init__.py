"""The log on Kafka. The only importer of aiokafka.

Readers commit nothing to Kafka: the cursor lies beside what was folded.
"""

from shared.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
