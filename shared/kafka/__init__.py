"""The log on Kafka. The only importer of aiokafka.

Readers commit nothing to Kafka: the cursor lies beside what was folded.
"""

from shared.kafka.log import KafkaLog
from shared.kafka.security import security_of
from shared.settings import Settings

__all__ = ["KafkaLog", "log_of", "security_of"]


async def log_of(settings: Settings, *, wait_s: float = 30.0) -> KafkaLog:
    """Connect to this deployment's log, as soon as a broker answers.

    Raises:
        LogUnavailableError: none did within `wait_s`.

    """
    return await KafkaLog.open(
        settings.kafka,
        embedded=settings.embedded,
        security=security_of(settings),
        wait_s=wait_s,
    )
