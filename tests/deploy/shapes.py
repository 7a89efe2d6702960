"""What the operators' own objects look like, as far as we use them.

No validator knows them offline. These are the fields that we set, as the operators document them:
a name that is misspelt, or a version that is gone, is found here.
"""

from __future__ import annotations

from typing import Any

# A field's type, or what is below it; `...` after a name that may lack; `[x]`: a list of those.
Shape = Any
ANY: Shape = object

ACL = {
    "resource": {"type": str, "name?": str, "patternType?": str},
    "operations": [str],
}
CONTAINER_RESOURCES = {"requests": ANY, "limits": ANY}

SHAPES: dict[tuple[str, str], Shape] = {
    ("kafka.strimzi.io/v1", "Kafka"): {
        "kafka": {
            "version": str,
            "metadataVersion": str,
            "listeners": [
                {
                    "name": str,
                    "port": int,
                    "type": str,
                    "tls": bool,
                    "authentication": {"type": str},
                    "networkPolicyPeers": [ANY],
                }
            ],
            "authorization": {"type": str},
            "config": ANY,
        },
        "entityOperator": {
            "topicOperator": {"resources": CONTAINER_RESOURCES},
            "userOperator": {"resources": CONTAINER_RESOURCES},
            "template?": ANY,
        },
    },
    ("kafka.strimzi.io/v1", "KafkaNodePool"): {
        "replicas": int,
        "roles": [str],
        "storage": {
            "type": str,
            "volumes": [
                {
                    "id": int,
                    "type": str,
                    "size": str,
                    "kraftMetadata?": str,
                    "deleteClaim": bool,
                }
            ],
        },
        "resources": CONTAINER_RESOURCES,
        "jvmOptions": {"-Xms": str, "-Xmx": str},
        "template": {
            "pod": {"securityContext": ANY, "topologySpreadConstraints": [ANY]},
            "kafkaContainer": {"securityContext": ANY},
        },
    },
    ("kafka.strimzi.io/v1", "KafkaTopic"): {
        "topicName?": str,
        "partitions": int,
        "replicas": int,
        "config": ANY,
    },
    ("kafka.strimzi.io/v1", "KafkaUser"): {
        "authentication": {"type": str},
        "authorization": {"type": str, "acls": [ACL]},
    },
    ("mongodbcommunity.mongodb.com/v1", "MongoDBCommunity"): {
        "type": str,
        "members": int,
        "version": str,
        "security": {
            "authentication": {"modes": [str]},
            "tls": {
                "enabled": bool,
                "certificateKeySecretRef": {"name": str},
                "caCertificateSecretRef": {"name": str},
            },
        },
        "additionalConnectionStringConfig": ANY,
        "users": [
            {
                "name": str,
                "db": str,
                "passwordSecretRef": {"name": str},
                "scramCredentialsSecretName": str,
                "connectionStringSecretName": str,
                "roles": [{"name": str, "db": str}],
            }
        ],
        "statefulSet": {"spec": ANY},
    },
    ("keda.sh/v1alpha1", "ScaledObject"): {
        "scaleTargetRef": {"name": str},
        "minReplicaCount": int,
        "maxReplicaCount": int,
        "pollingInterval": int,
        "cooldownPeriod": int,
        "fallback": {"failureThreshold": int, "replicas": int, "behavior": str},
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": ANY}},
        "triggers": [
            {
                "type": str,
                "metadata": {
                    "serverAddress": str,
                    "query": str,
                    "threshold": str,
                    "ignoreNullValues": str,
                },
            }
        ],
    },
    ("monitoring.coreos.com/v1", "ServiceMonitor"): {
        "selector": {"matchLabels": ANY},
        "endpoints": [
            {
                "port": str,
                "path": str,
                "interval": str,
                "scrapeTimeout": str,
                "relabelings": [{"sourceLabels": [str], "targetLabel": str, "replacement": str}],
            }
        ],
    },
    ("monitoring.coreos.com/v1", "PrometheusRule"): {
        "groups": [
            {
                "name": str,
                "rules": [
                    {
                        "alert": str,
                        "expr": str,
                        "for?": str,
                        "labels": {"severity": str},
                        "annotations": {"summary": str, "runbook_url": str},
                    }
                ],
            }
        ]
    },
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): {
        "parentRefs": [{"name": str, "namespace": str}],
        "hostnames": [str],
        "rules": [
            {
                "matches": [{"path": {"type": str, "value": str}}],
                "backendRefs": [{"name": str, "port": int}],
                "timeouts?": {"request": str},
            }
        ],
    },
    ("cert-manager.io/v1", "Issuer"): {"selfSigned?": ANY, "ca?": {"secretName": str}},
    ("cert-manager.io/v1", "Certificate"): {
        "isCA?": bool,
        "commonName?": str,
        "secretName": str,
        "duration": str,
        "renewBefore?": str,
        "privateKey": {"algorithm": str, "size": int},
        "usages?": [str],
        "dnsNames?": [str],
        "issuerRef": {"name": str, "kind": str},
    },
}


def differences(told: dict[str, Any]) -> list[str]:
    """Say where an object is not of the shape that its operator takes."""
    shape = SHAPES.get((told["apiVersion"], told["kind"]))
    if shape is None:
        return [f"{told['apiVersion']} has no {told['kind']} here"]
    return _differ("spec", told["spec"], shape)


def _differ(place: str, told: Any, shape: Shape) -> list[str]:
    if isinstance(shape, list):
        if not isinstance(told, list) or not told:
            return [f"{place} is no list of something"]
        return [why for n, one in enumerate(told) for why in _differ(f"{place}.{n}", one, shape[0])]
    if isinstance(shape, dict):
        if not isinstance(told, dict):
            return [f"{place} is no object"]
        fields = {name.removesuffix("?"): (name, below) for name, below in shape.items()}
        needed = {name for name, (given, _) in fields.items() if not given.endswith("?")}
        found = [f"{place}.{name} is missing" for name in sorted(needed - told.keys())]
        found += [f"{place}.{name} is unknown" for name in sorted(told.keys() - fields.keys())]
        for name in sorted(told.keys() & fields.keys()):
            found += _differ(f"{place}.{name}", told[name], fields[name][1])
        return found
    return [] if isinstance(told, shape) else [f"{place} is {told!r}, no {shape.__name__}"]
