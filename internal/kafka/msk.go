package kafka

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
)

// AWS says with whose credentials AWS_MSK_IAM signs. Those that are not named come from
// where AWS's libraries look: environment, shared files, container and instance roles.
type AWS struct {
	Region  string // of the cluster; empty: AWS_REGION
	Profile string // of the shared configuration files
	RoleARN string // role that is assumed
}

// mskSession names us in the logs of AWS.
const mskSession = "logctl"

func (a AWS) source() (*tokenSource, error) {
	region := a.Region
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region == "" {
			region = os.Getenv(name)
		}
	}
	if region == "" {
		return nil, errors.New("kafka sasl_mechanism AWS_MSK_IAM needs sasl_aws_region, or AWS_REGION in the environment")
	}
	if a.Profile != "" && a.RoleARN != "" {
		return nil, errors.New("kafka sasl_aws_profile and sasl_aws_role_arn are two sources of credentials: set one")
	}
	s := &tokenSource{from: "AWS credentials for region " + region}
	s.fetch = func(ctx context.Context) (string, time.Time, error) {
		var token string
		var endsMS int64
		var err error
		switch {
		case a.RoleARN != "":
			token, endsMS, err = signer.GenerateAuthTokenFromRole(ctx, region, a.RoleARN, mskSession)
		case a.Profile != "":
			token, endsMS, err = signer.GenerateAuthTokenFromProfile(ctx, region, a.Profile)
		default:
			token, endsMS, err = signer.GenerateAuthToken(ctx, region)
		}
		return token, time.UnixMilli(endsMS), err
	}
	return s, nil
}
